use gridcare_domain::{
    contact::Outcome,
    keyword::{Answer as Asked, Grammar, Missing},
    topic::Topic,
};
use jiff::Timestamp;

use super::{Told, asker::Asker};
use crate::{Node, texts::Texts};

impl Node {
    /// The number for everything else, or words for it.
    pub(in crate::flows) fn hotline(&self, texts: &Texts) -> String {
        if self.sms.hotline.is_empty() { texts.say("hotline", &[]) } else { self.sms.hotline.clone() }
    }

    /// A text that names the code and the hotline.
    pub(super) fn plainly(&self, asker: &Asker, id: &str) -> String {
        let texts = asker.texts();
        texts.say(id, &[("code", asker.shown()), ("hotline", &self.hotline(texts))])
    }

    /// Amounts are told to the customer's own numbers alone; the answer is the same whether or not there is such a customer.
    pub(super) fn private(&self, asker: &Asker) -> String {
        self.plainly(asker, "private")
    }

    /// Local time of the node: `08:00 22/05`.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M %d/%m").to_string()
    }

    /// A syntax in words of the reader's language.
    fn syntax(texts: &Texts, syntax: &str) -> String {
        syntax.replace("<code>", &texts.say("help-code", &[])).replace("mm/yy", &texts.say("help-month", &[]))
    }

    /// How to ask, and for what.
    pub(super) fn help(&self, asker: &Asker, grammar: &Grammar) -> String {
        let texts = asker.texts();
        let items: Vec<_> = grammar
            .syntaxes()
            .map(|(answer, syntax)| {
                let what = texts.say(&format!("help-{answer}"), &[]);
                texts.say("help-item", &[("syntax", &Self::syntax(texts, syntax)), ("what", &what)])
            })
            .collect();
        let hotline = self.hotline(texts);
        if items.is_empty() {
            return texts.say("help-none", &[("hotline", &hotline)]);
        }
        texts.say("help", &[("list", &items.join("; ")), ("hotline", &hotline)])
    }

    /// What a message lacks, and how it is written.
    pub(super) fn lacking(&self, asker: &Asker, grammar: &Grammar, wanted: Option<Asked>, missing: Missing) -> Told {
        let texts = asker.texts();
        let what = texts.say(
            match missing {
                Missing::Keyword => "missing-keyword",
                Missing::Code => "missing-code",
                Missing::WrongCode => "missing-wrong-code",
                Missing::Month => "missing-month",
                Missing::WrongMonth => "missing-wrong-month",
            },
            &[],
        );
        let fitting = grammar.syntaxes().filter(|(answer, _)| wanted.is_none_or(|wanted| wanted == *answer));
        let syntaxes: Vec<_> = fitting.map(|(_, syntax)| Self::syntax(texts, syntax)).collect();
        let syntax = (!syntaxes.is_empty()).then(|| syntaxes.join("; "));
        let text = match syntax {
            Some(syntax) => texts.say("missing", &[("what", &what), ("syntax", &syntax)]),
            None => texts.say("missing-free", &[("what", &what), ("hotline", &self.hotline(texts))]),
        };
        Told {
            text,
            keyword: wanted.map_or("", Asked::code),
            topic: wanted.map_or(Topic::Information, Asked::topic),
            customer: asker.code.clone(),
            ticket: None,
            outcome: Outcome::Answered,
        }
    }
}
