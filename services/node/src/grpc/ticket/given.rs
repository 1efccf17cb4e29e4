use gridcare_proto::ticket::v1 as wire;

/// What every mutation of a named ticket has.
pub(super) struct Given<'a> {
    pub(super) request_id: &'a str,
    pub(super) name: &'a str,
    pub(super) author: &'a str,
    /// The field of its words, and the words.
    pub(super) text: (&'static str, &'a str),
    pub(super) etag: &'a str,
}

/// A request that changes one named ticket.
pub(super) trait Mutation: prost::Message + Default {
    /// The method, by which request ids are told apart.
    const METHOD: &'static str;

    fn given(&self) -> Given<'_>;
}

/// Names the fields of a request; what it does not have is empty.
macro_rules! mutations {
    ($($request:ident $method:literal { $($part:ident: $field:ident),* $(,)? })+) => {$(
        impl Mutation for wire::$request {
            const METHOD: &'static str = $method;

            fn given(&self) -> Given<'_> {
                let mut given =
                    Given { request_id: &self.request_id, name: &self.name, author: "", text: ("", ""), etag: "" };
                $(mutations!(@ given $part $field self);)*
                given
            }
        }
    )+};
    (@ $given:ident text $field:ident $this:ident) => { $given.text = (stringify!($field), &$this.$field) };
    (@ $given:ident $part:ident $field:ident $this:ident) => { $given.$part = &$this.$field };
}

mutations! {
    AddTimelineEntryRequest "AddTimelineEntry" { author: author, text: text, etag: etag }
    ChangeTicketStateRequest "ChangeTicketState" { author: author, text: reason, etag: etag }
    AssignTicketRequest "AssignTicket" { author: author, text: reason, etag: etag }
    ResolveTicketRequest "ResolveTicket" { author: author, text: resolution, etag: etag }
    CloseTicketRequest "CloseTicket" { author: author, text: reason, etag: etag }
    ReopenTicketRequest "ReopenTicket" { author: author, text: reason, etag: etag }
    ReclassifyTicketRequest "ReclassifyTicket" { author: author, text: reason, etag: etag }
    FulfilTicketEventRequest "FulfilTicketEvent" { author: author, text: text, etag: etag }
    ClaimTicketRequest "ClaimTicket" { author: agent }
    SetTicketParentRequest "SetTicketParent" { author: author, etag: etag }
    LinkTicketRequest "LinkTicket" { author: author }
    AttachToTicketRequest "AttachToTicket" { author: author }
    RateTicketRequest "RateTicket" { text: comment }
}
