//! Dialling nodes: the gateway is the only one that does so on behalf of the country.

use std::time::Duration;

use gridcare_chassis::{
    client::Caller,
    methods::Methods,
    tls::{self, ClientTls, TlsError},
};
use gridcare_proto::{
    federation::v1::feed_service_client::FeedServiceClient,
    notice::v1::{
        notice_landing_service_client::NoticeLandingServiceClient, notice_service_client::NoticeServiceClient,
    },
    standard::v1::standard_service_client::StandardServiceClient,
};

/// How long a unary call to a node may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Frames and snapshots are larger than requests.
const MESSAGE_BYTES: usize = 32 << 20;

/// A node. Calls are traced and have deadlines.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) feed: FeedServiceClient<Caller>,
    pub(crate) standards: StandardServiceClient<Caller>,
    pub(crate) notices: NoticeServiceClient<Caller>,
    pub(crate) landing: NoticeLandingServiceClient<Caller>,
}

/// How nodes are dialled.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    methods: Methods,
    tls: ClientTls,
}

impl Peers {
    pub(crate) fn new(tls: ClientTls) -> Result<Self, prost::DecodeError> {
        Ok(Self { methods: Methods::read([gridcare_proto::DESCRIPTORS])?, tls })
    }

    /// A node. Connects when it is first used, and again whenever it must.
    pub(crate) fn dial(&self, endpoint: &str) -> Result<Peer, TlsError> {
        let caller = Caller::new(tls::channel(endpoint, &self.tls)?, self.methods.clone(), PATIENCE);
        let feed = FeedServiceClient::new(caller.clone()).max_decoding_message_size(MESSAGE_BYTES);
        Ok(Peer {
            feed,
            standards: StandardServiceClient::new(caller.clone()),
            notices: NoticeServiceClient::new(caller.clone()),
            landing: NoticeLandingServiceClient::new(caller),
        })
    }
}
