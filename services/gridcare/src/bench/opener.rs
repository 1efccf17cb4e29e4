//! Opens tickets as cheaply as a client can: the bytes of a request are made beforehand, and only its id is new.

use std::rc::Rc;

use gridcare_chassis::id::new_id;
use gridcare_proto::ticket::v1::{
    OpenTicketRequest, OpenTicketResponse, TicketPriority, ticket_service_client::TicketServiceClient,
};
use prost::{
    Message as _,
    bytes::{Buf as _, BufMut as _, Bytes},
};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::Channel,
};

/// How many different tickets are opened in turn.
const TEMPLATES: usize = 256;

/// What people report: topic, priority and the first half of a subject of about sixty characters.
const REPORTS: [(&str, TicketPriority, &str); 8] = [
    ("outage", TicketPriority::High, "Mất điện cả dãy nhà từ 14 giờ 20, chưa có điện lại"),
    ("bill", TicketPriority::Normal, "Hóa đơn tiền điện kỳ này tăng gấp đôi so với kỳ trước"),
    ("power_quality", TicketPriority::Normal, "Điện yếu vào buổi tối, máy lạnh không khởi động được"),
    ("safety", TicketPriority::Critical, "Dây điện bị đứt rơi xuống đường sau cơn mưa lớn"),
    ("meter_complaint", TicketPriority::Normal, "Đề nghị kiểm tra công tơ vì chỉ số tăng bất thường"),
    ("reconnection", TicketPriority::High, "Đã thanh toán nợ, đề nghị đóng điện trở lại trong ngày"),
    ("new_supply", TicketPriority::Low, "Đăng ký cấp điện mới ba pha cho xưởng sản xuất"),
    ("planned_outage", TicketPriority::Low, "Hỏi lịch ngừng cung cấp điện của tuần tới"),
];

/// Where, which ends the subject, and the province.
const PLACES: [(&str, &str); 8] = [
    ("Quận 3", "VN-SG"),
    ("Bình Thạnh", "VN-SG"),
    ("Tân Phú", "VN-SG"),
    ("Thủ Đức", "VN-SG"),
    ("Biên Hòa", "VN-39"),
    ("Dĩ An", "VN-57"),
    ("Ninh Kiều", "VN-CT"),
    ("Mỹ Tho", "VN-46"),
];

const NAMES: [&str; 4] = ["Nguyễn Thị Hương", "Trần Văn Bình", "Lê Hoàng Phúc", "Phạm Ngọc Ánh"];

/// The template of that number. Its people are made up; its customer codes have a prefix that no corporation uses.
fn template(number: usize) -> OpenTicketRequest {
    let (topic, priority, what) = REPORTS[number % REPORTS.len()];
    let (place, province) = PLACES[number / REPORTS.len() % PLACES.len()];
    OpenTicketRequest {
        topic: topic.to_owned(),
        channel: "hotline".to_owned(),
        priority: priority.into(),
        subject: format!("{what}, {place}"),
        customer_code: format!("PZ{:02}{:09}", 1 + number % 18, 1_000_003 * number),
        requester_name: NAMES[number % NAMES.len()].to_owned(),
        // The range that no operator gives out.
        requester_contact_point: format!("+8400000{number:05}"),
        province: province.to_owned(),
        author: format!("synthetic-{:03}", number % 48),
        ..OpenTicketRequest::default()
    }
}

/// One caller's way to a node. Clones share the templates, not the place in line.
#[derive(Clone)]
pub(super) struct Opener {
    grpc: Grpc<Channel>,
    bodies: Rc<[Bytes]>,
    path: PathAndQuery,
    run: u64,
}

impl Opener {
    /// Openers over these channels; their request ids never meet those of another run.
    pub(super) fn over(channels: &[Channel]) -> Vec<Self> {
        let bodies: Rc<[Bytes]> = (0..TEMPLATES).map(|number| template(number).encode_to_vec().into()).collect();
        let path = PathAndQuery::from_static("/gridcare.ticket.v1.TicketService/OpenTicket");
        let (_, run) = new_id().as_u64_pair();
        let over = |channel: &Channel| Self {
            grpc: Grpc::new(channel.clone()),
            bodies: bodies.clone(),
            path: path.clone(),
            run,
        };
        channels.iter().map(over).collect()
    }

    /// Opens the ticket of that number and does not look at it: that it is there is what the status says.
    pub(super) async fn open(&mut self, number: u64) -> Result<(), Status> {
        let template = usize::try_from(number % TEMPLATES as u64).unwrap_or_default();
        let prepared = Prepared { id: self.id(number), body: self.bodies[template].clone() };
        self.grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        self.grpc.unary(Request::new(prepared), self.path.clone(), Raw).await.map(drop)
    }

    fn id(&self, number: u64) -> String {
        format!("{:016x}-{number:016x}", self.run)
    }
}

/// Opens one ticket as any client would, and looks at it: whatever is wrong is told before the load hides it.
pub(super) async fn try_one(channel: Channel) -> Result<(), Status> {
    let request = OpenTicketRequest { request_id: new_id().to_string(), ..template(0) };
    let subject = request.subject.clone();
    let OpenTicketResponse { ticket } = TicketServiceClient::new(channel).open_ticket(request).await?.into_inner();
    match ticket {
        Some(ticket) if ticket.subject == subject && !ticket.reference.is_empty() => Ok(()),
        _ => Err(Status::data_loss("the answer does not hold the ticket that was opened")),
    }
}

/// A request whose id is in front of the template; protobuf leaves the order of fields open.
struct Prepared {
    id: String,
    body: Bytes,
}

/// Sends prepared requests and throws answers away.
#[derive(Debug, Clone, Copy)]
struct Raw;

/// A request has about 300 bytes and an answer 500; tonic's default of 8 KiB each would be allocated for every call.
fn buffers() -> BufferSettings {
    BufferSettings::new(1 << 10, 32 << 10)
}

impl Codec for Raw {
    type Encode = Prepared;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Prepared;
    type Error = Status;

    fn encode(&mut self, item: Prepared, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::encoding::string::encode(1, &item.id, buffer);
        buffer.put(item.body);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        buffer.advance(buffer.remaining());
        Ok(Some(()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

#[cfg(test)]
mod tests {
    use gridcare_domain::{customer_code::CustomerCode, province, topic::Topic};

    use super::*;

    #[test]
    fn every_template_is_one_that_a_node_accepts() {
        for number in 0..TEMPLATES {
            let request = template(number);
            let length = request.subject.chars().count();
            assert!((45..80).contains(&length), "{length}: {}", request.subject);
            assert!(CustomerCode::parse(&request.customer_code).is_ok(), "{}", request.customer_code);
            assert!(province::find(&request.province).is_some(), "{}", request.province);
            assert!(Topic::parse(&request.topic).is_some(), "{}", request.topic);
        }
    }

    #[test]
    fn an_id_in_front_of_a_template_is_a_request() {
        let mut bytes = Vec::new();
        prost::encoding::string::encode(1, &"id-1".to_owned(), &mut bytes);
        bytes.extend(template(7).encode_to_vec());
        let read = OpenTicketRequest::decode(bytes.as_slice()).unwrap();
        assert_eq!(read, OpenTicketRequest { request_id: "id-1".to_owned(), ..template(7) });
    }
}
