# Câu trả lời tin nhắn của khách hàng. Có dấu; nơi nào không hiện được dấu thì tự bỏ dấu.
hotline = tổng đài chăm sóc khách hàng

bill = Mã {$code}, kỳ {$month}: {$kwh} kWh, {$amount} đ, {$status}.
bill-paid = đã thanh toán
bill-unpaid = chưa thanh toán
bill-due = hạn thanh toán {$date}
no-bill = Chưa có hóa đơn kỳ {$month} của mã {$code}. Chi tiết: {$hotline}.
no-bill-at-all = Chưa có hóa đơn của mã {$code}. Chi tiết: {$hotline}.

owed = Mã {$code} còn nợ {$amount} đ, {$count} kỳ, cũ nhất kỳ {$month}.
owed-nothing = Mã {$code} không còn nợ tiền điện. Cảm ơn quý khách.

planned = Lịch ngừng cung cấp điện của mã {$code}: {$list}.
planned-item = {$from} đến {$until} ({$cause})
planned-item-open = từ {$from} ({$cause})
planned-more = và {$count} lần nữa
planned-none = Trong {$days} ngày tới chưa có lịch ngừng cung cấp điện cho mã {$code}.

outage = Khu vực của mã {$code} mất điện từ {$since}, nguyên nhân: {$cause}. {$return}
outage-return = Dự kiến có điện lại từ {$earliest} đến {$latest}.
outage-no-estimate = Chưa có dự kiến giờ có điện lại, chúng tôi đang khắc phục.
outage-late = Chưa xong như dự kiến, chúng tôi đang khắc phục.
outage-none = Chưa ghi nhận mất điện ở khu vực của mã {$code}. Nếu nhà quý khách đang mất điện, soạn: MAT DIEN {$code}

reading-day = Ngày ghi chỉ số công tơ của mã {$code}: {$date}.
reading-day-none = Chưa có lịch ghi chỉ số của mã {$code}. Chi tiết: {$hotline}.
reading = Chỉ số công tơ của mã {$code} kỳ {$month}: {$reading} kWh.
reading-none = Chưa có chỉ số công tơ của mã {$code}. Chi tiết: {$hotline}.

reported = Đã ghi nhận báo mất điện, số phiếu {$ticket}. {$more}
reported-where = Xin gọi {$hotline} cho biết mã khách hàng hoặc địa chỉ.
reported-thanks = Cảm ơn quý khách.

rated = Cảm ơn quý khách đã đánh giá.

private = Vì bảo mật, thông tin của mã {$code} chỉ gửi đến số đã đăng ký. Xin gọi {$hotline}.
unknown-code = Không tìm thấy mã khách hàng {$code}. Xin kiểm tra lại hoặc gọi {$hotline}.
elsewhere = Mã {$code} do {$region} phục vụ. Xin liên hệ {$region}.
unreachable = Hệ thống hóa đơn đang bận. Xin nhắn lại sau hoặc gọi {$hotline}.
unoffered = Thông tin này chưa có qua tin nhắn. Xin gọi {$hotline}.

missing = {$what}. Soạn: {$syntax}
missing-code = Tin nhắn thiếu mã khách hàng
missing-wrong-code = Mã khách hàng chưa đúng, mã gồm 13 ký tự
missing-month = Tin nhắn thiếu tháng
missing-wrong-month = Tháng chưa đúng
missing-keyword = Tin nhắn chưa rõ nội dung
missing-free = {$what}. Xin nhắn kèm mã khách hàng hoặc gọi {$hotline}.

stopped = Đã ngừng gửi tin thông báo đến số này. Nhận lại: soạn START
stopped-unknown = Số này không đăng ký nhận tin thông báo. Chi tiết: {$hotline}.
started = Đã đăng ký nhận tin báo mất điện cho số này. Ngừng nhận: soạn STOP
started-unknown = Số này chưa có trong hồ sơ khách hàng. Để đăng ký, xin gọi {$hotline}.

help = Soạn {$list}. Báo mất điện: MAT DIEN <ma KH>. Gọi {$hotline}.
help-item = {$syntax}: {$what}
help-code = <mã KH>
help-month = mm/yy
help-none = Báo mất điện soạn: MAT DIEN <mã KH>. Việc khác xin gọi {$hotline}.
help-bill = hóa đơn
help-amount_owed = tiền nợ
help-planned_outages = lịch cắt điện
help-present_outage = tình hình mất điện
help-reading_day = ngày ghi chỉ số
help-meter_reading = chỉ số
help-report_outage = báo mất điện
help-help = hướng dẫn

cause-unknown = đang tìm hiểu
cause-maintenance = bảo trì lưới điện
cause-construction = thi công lưới điện
cause-equipment = sự cố thiết bị
cause-weather = thời tiết
cause-vegetation = cây cối, động vật
cause-third_party = bên ngoài làm hư hỏng
cause-overload = quá tải
cause-transmission = sự cố lưới truyền tải
cause-load_shedding = thiếu nguồn điện
cause-safety = bảo đảm an toàn
cause-other = nguyên nhân khác

ticket-subject = Báo mất điện qua tin nhắn

# Where a ticket stands, in the standard's templates.
state-new = mới tiếp nhận
state-assigned = đã phân công
state-in_progress = đang xử lý
state-waiting_customer = chờ khách hàng
state-waiting_third_party = chờ bên thứ ba
state-resolved = đã giải quyết
state-closed = đã đóng
state-cancelled = đã hủy
state-reopened = đã mở lại

# What the customer of a report is told when supply is back.
restored = Khu vực của Quý khách đã có điện trở lại từ { $at }; nguyên nhân: { $cause }. Phản ánh { $ticket } đã được giải quyết. Nếu vẫn chưa có điện, xin Quý khách báo lại cho chúng tôi.

# Calendars and bulletins of planned work.
calendar-name = Lịch ngừng cung cấp điện, { $region }
calendar-summary = Ngừng cung cấp điện: { $cause }
calendar-description = Lý do: { $cause }. Khu vực: { $places }.
place-transformer = trạm biến áp { $code }
place-feeder = lộ ra { $code }
place-area = khu vực { $code }
place-ring = một vùng trên bản đồ
places-more = và { $count } nơi khác
bulletin-title = Bản tin cung cấp điện tháng { $month }, { $region }
bulletin-planned = Ngừng cung cấp điện theo kế hoạch
bulletin-faults = Sự cố đã xảy ra
bulletin-summary = Tổng hợp
bulletin-none = Không có.
bulletin-work = { $from } đến { $until }: { $places } ({ $cause })
bulletin-cancelled = ; đã hủy
bulletin-moved = ; đã thay đổi, lần { $revision }
bulletin-alternative = Nếu không thực hiện được: { $from } đến { $until }.
bulletin-lasts = chưa kết thúc
bulletin-fault = { $from } đến { $until }: { $places } ({ $cause }); có lúc { $customers } khách hàng mất điện
bulletin-fault-uncounted = { $from } đến { $until }: { $places } ({ $cause })
bulletin-totals = Số lần mất điện: { $outages }; số giờ mất điện của khách hàng: { $hours }.

# Notices to the public.
notices-title = Thông báo của { $region }
notices-none = Hiện không có thông báo nào.
notice-initial = Thông báo đầu tiên
notice-update = Thông tin mới
notice-correction = Đính chính
notice-cancel = Đã hủy
notice-all-clear = Đã kết thúc
notice-times = Đăng lúc { $at }, có hiệu lực đến { $until }
