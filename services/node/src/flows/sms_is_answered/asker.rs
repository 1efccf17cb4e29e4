use gridcare_domain::{
    customer::{ContactPoint, Customer, Language, PointKind, Premises, Purpose, phone},
    customer_code::CustomerCode,
    outage::Site,
};
use gridcare_store::{StoreError, customer_page::CustomerQuery, customer_page::StoredCustomer};

use crate::{Node, texts::Texts};

/// More customers than this under one number are no household's: whoever asks for one of them gives the code. What the number says
/// of consents concerns all of them.
const MOST: usize = 20;

/// Who asks, and about whom.
pub(super) struct Asker {
    /// E.164.
    pub(super) number: Option<String>,
    /// The code that was written, or that of the only customer of this number.
    pub(super) code: Option<CustomerCode>,
    /// The customer of that code, when it is one of this node's.
    pub(super) customer: Option<Customer>,
    /// The customers who are reached under this number, or the first of very many.
    pub(super) own: Vec<StoredCustomer>,
    pub(super) language: Language,
}

impl Asker {
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// The customer's contact points that this number is.
    fn points(&self) -> impl Iterator<Item = &ContactPoint> {
        let points = self.customer.iter().flat_map(|customer| &customer.contact_points);
        points.filter(move |point| point.kind == PointKind::Phone && Some(&point.value) == self.number.as_ref())
    }

    /// Whether this number is one of the customer's own; else somebody wrote another's code.
    pub(super) fn is_the_customer(&self) -> bool {
        self.points().next().is_some()
    }

    /// Whether this number is one by which the customer has agreed to be told about bills.
    pub(super) fn may_be_told_amounts(&self) -> bool {
        let agreed = |point: &ContactPoint| {
            point.consents.iter().any(|consent| consent.purpose == Purpose::Billing && consent.granted)
        };
        self.points().any(agreed)
    }

    /// Where the customer is supplied.
    pub(super) fn sites(&self) -> Vec<Site<'_>> {
        self.customer.iter().flat_map(|customer| &customer.premises).map(site).collect()
    }

    /// The code, as texts show it.
    pub(super) fn shown(&self) -> &str {
        self.code.as_ref().map_or("", CustomerCode::as_str)
    }
}

/// Where premises are supplied.
pub(in crate::flows) fn site(premises: &Premises) -> Site<'_> {
    let given = |text: &'_ str| !text.is_empty();
    Site {
        province: premises.province.as_deref(),
        district: Some(premises.district.as_str()).filter(|text| given(text)),
        area_code: Some(premises.area.as_str()).filter(|text| given(text)),
        feeder: premises.feeder.as_deref(),
        transformer: premises.transformer.as_deref(),
        position: None,
    }
}

impl Node {
    /// Who wrote, as far as customers' contact points tell, and about which customer.
    pub(super) async fn asker(&self, from: &str, code: Option<CustomerCode>) -> Result<Asker, StoreError> {
        let number = phone(from).ok();
        let own = match &number {
            Some(number) => {
                let query = CustomerQuery { phone: Some(number.clone()), ..CustomerQuery::default() };
                self.store.customers(&query, None, MOST).await?.customers
            }
            None => Vec::new(),
        };
        let code = code.or_else(|| match own.as_slice() {
            [only] => Some(only.customer.code.clone()),
            _ => None,
        });
        let known = own.iter().map(|stored| &stored.customer).find(|customer| Some(&customer.code) == code.as_ref());
        let customer = match (known, &code) {
            (Some(customer), _) => Some(customer.clone()),
            (None, Some(code)) => self.store.customer(code).await?.map(|stored| stored.customer),
            (None, None) => None,
        };
        // The sender's own language goes before that of the customer who is asked about.
        let speaker = known.or(own.first().map(|stored| &stored.customer)).or(customer.as_ref());
        let language = speaker.map_or(Language::Vi, |customer| customer.preferred_language);
        Ok(Asker { number, code, customer, own, language })
    }
}
