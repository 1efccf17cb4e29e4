use gridcare_domain::{customer_code::CustomerCode, keyword::Month};

use super::asker::Asker;
use crate::{Node, billing::NoBilling};

impl Node {
    /// What is said when there is no billing system to ask: never an error, and never a figure.
    fn without_billing(&self, asker: &Asker, why: NoBilling) -> String {
        self.plainly(asker, if why == NoBilling::Unoffered { "unoffered" } else { "unreachable" })
    }

    pub(super) async fn bill(&self, asker: &Asker, code: &CustomerCode, month: Option<Month>) -> String {
        let texts = asker.texts();
        let bill = match self.billing.bill(code, month).await {
            Ok(Some(bill)) => bill,
            Ok(None) => {
                let hotline = self.hotline(texts);
                return match month {
                    Some(month) => {
                        let month = month.to_string();
                        texts.say("no-bill", &[("code", asker.shown()), ("month", &month), ("hotline", &hotline)])
                    }
                    None => self.plainly(asker, "no-bill-at-all"),
                };
            }
            Err(why) => return self.without_billing(asker, why),
        };
        let status = match bill.due {
            _ if bill.paid => texts.say("bill-paid", &[]),
            Some(due) => texts.say("bill-due", &[("date", &due.strftime("%d/%m/%Y").to_string())]),
            None => texts.say("bill-unpaid", &[]),
        };
        let values = [
            ("code", asker.shown()),
            ("month", &bill.month.to_string()),
            ("kwh", &texts.number(bill.kwh)),
            ("amount", &texts.number(bill.amount_vnd)),
            ("status", &status),
        ];
        texts.say("bill", &values)
    }

    pub(super) async fn amount_owed(&self, asker: &Asker, code: &CustomerCode) -> String {
        let texts = asker.texts();
        match self.billing.owed(code).await {
            Err(why) => self.without_billing(asker, why),
            Ok(None) => self.plainly(asker, "no-bill-at-all"),
            Ok(Some((amount, bills))) => match bills.first() {
                Some(oldest) if amount > 0 => {
                    let values = [
                        ("code", asker.shown()),
                        ("amount", &texts.number(amount)),
                        ("month", &oldest.month.to_string()),
                    ];
                    texts.count("owed", bills.len(), &values)
                }
                _ => self.plainly(asker, "owed-nothing"),
            },
        }
    }

    pub(super) async fn meter_reading(&self, asker: &Asker, code: &CustomerCode, month: Option<Month>) -> String {
        let texts = asker.texts();
        match self.billing.reading(code, month).await {
            Err(why) => self.without_billing(asker, why),
            Ok(found) => match found.and_then(|found| Some((found.month, found.reading_kwh?))) {
                None => self.plainly(asker, "reading-none"),
                Some((month, reading)) => {
                    let values =
                        [("code", asker.shown()), ("month", &month.to_string()), ("reading", &texts.number(reading))];
                    texts.say("reading", &values)
                }
            },
        }
    }

    pub(super) async fn reading_day(&self, asker: &Asker, code: &CustomerCode, month: Option<Month>) -> String {
        let found = match self.billing.reading(code, month).await {
            Err(why) => return self.without_billing(asker, why),
            Ok(found) => found,
        };
        let date = found.and_then(|found| match month {
            Some(month) => found.date_in(month),
            None => found.next_date(self.day(self.now())),
        });
        match date {
            None => self.plainly(asker, "reading-day-none"),
            Some(date) => {
                let date = date.strftime("%d/%m/%Y").to_string();
                asker.texts().say("reading-day", &[("code", asker.shown()), ("date", &date)])
            }
        }
    }
}
