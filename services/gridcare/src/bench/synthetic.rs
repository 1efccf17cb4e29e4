//! Contacts to be imported: those of the demo, from its fixed seed.

use gridcare_proto::contact::v1::ContactDraft;

use crate::{
    demo::{contacts::Contacts, facts::Country, plan::STREAMS},
    failure::Failure,
};

/// Whose contacts they are: its streams are the longest, and their keys never meet.
const REGION: &str = "HCMC";

/// The first `count` contacts of the region, hotline first, each channel in order of arrival.
pub(super) fn drafts(count: usize) -> Result<Vec<ContactDraft>, Failure> {
    let country = Country::read()?;
    let region = country.regions.iter().find(|region| region.code == REGION);
    let region = region.ok_or_else(|| Failure::said(format!("facts/regions.yaml: {REGION} is missing")))?;
    let streams = STREAMS.iter().filter(|stream| stream.region == REGION);
    let drafts: Vec<_> = streams.flat_map(|stream| Contacts::of(*stream, region)).take(count).collect();
    if drafts.len() < count {
        return Err(Failure::said(format!("{count}: more than the {} contacts that can be made", drafts.len())));
    }
    Ok(drafts)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_have_the_same_key() {
        let drafts = drafts(700_000).unwrap();
        let keys: HashSet<_> = drafts.iter().map(|draft| draft.source_key.as_str()).collect();
        assert_eq!(keys.len(), drafts.len());
    }
}
