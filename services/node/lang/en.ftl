# Answers to customers' text messages.
hotline = our call centre

bill = {$code}, {$month}: {$kwh} kWh, {$amount} VND, {$status}.
bill-paid = paid
bill-unpaid = not paid yet
bill-due = due on {$date}
no-bill = There is no bill of {$month} for {$code} yet. More: {$hotline}.
no-bill-at-all = There is no bill for {$code} yet. More: {$hotline}.

owed = {$code} owes {$amount} VND: { $count ->
    [one] one bill, of {$month}
   *[other] {$count} bills, the oldest of {$month}
  }.
owed-nothing = {$code} owes nothing. Thank you.

planned = Planned outages of {$code}: {$list}.
planned-item = {$from} to {$until} ({$cause})
planned-item-open = from {$from} ({$cause})
planned-more = { $count ->
    [one] and one more
   *[other] and {$count} more
  }
planned-none = No outage is planned for {$code} within the next {$days} days.

outage = The area of {$code} has been without power since {$since}, cause: {$cause}. {$return}
outage-return = Power is expected back between {$earliest} and {$latest}.
outage-no-estimate = It is not known yet when power returns; we are working on it.
outage-late = It takes longer than expected; we are working on it.
outage-none = No outage is known in the area of {$code}. If you have no power, send: MAT DIEN {$code}

reading-day = The meter of {$code} is read on {$date}.
reading-day-none = No reading day is set for {$code} yet. More: {$hotline}.
reading = The meter of {$code} for {$month}: {$reading} kWh.
reading-none = The meter of {$code} has not been read yet. More: {$hotline}.

reported = Your report is registered as {$ticket}. {$more}
reported-where = Please call {$hotline} with your customer code or address.
reported-thanks = Thank you.

rated = Thank you for your rating.

private = For your privacy, data of {$code} goes to its registered numbers only. Please call {$hotline}.
unknown-code = There is no customer {$code} here. Please check the code or call {$hotline}.
elsewhere = {$code} is served by {$region}. Please contact {$region}.
unreachable = The billing system is busy. Please try again later or call {$hotline}.
unoffered = This is not available by SMS yet. Please call {$hotline}.

missing = {$what}. Send: {$syntax}
missing-code = The customer code is missing
missing-wrong-code = A customer code has 13 letters and digits
missing-month = The month is missing
missing-wrong-month = There is no such month
missing-keyword = It is not clear what you ask
missing-free = {$what}. Please add your customer code or call {$hotline}.

stopped = No more notices go to this number. To get them again, send START
stopped-unknown = This number is not registered for notices. More: {$hotline}.
started = This number gets notices of outages. To stop them, send STOP
started-unknown = This number belongs to no customer here. To register it, please call {$hotline}.

help = Send {$list}. To report an outage: MAT DIEN <code>. Call {$hotline}.
help-item = {$syntax}: {$what}
help-code = <code>
help-month = mm/yy
help-none = To report an outage, send: MAT DIEN <code>. For all else, please call {$hotline}.
help-bill = bill
help-amount_owed = amount owed
help-planned_outages = planned outages
help-present_outage = present outage
help-reading_day = reading day
help-meter_reading = meter reading
help-report_outage = report an outage
help-help = help

cause-unknown = being looked into
cause-maintenance = maintenance
cause-construction = construction work
cause-equipment = equipment failure
cause-weather = weather
cause-vegetation = trees or animals
cause-third_party = damage by others
cause-overload = overload
cause-transmission = fault of the transmission grid
cause-load_shedding = shortage of generation
cause-safety = safety of people
cause-other = another cause

ticket-subject = Outage reported by SMS

# Where a ticket stands, in the standard's templates.
state-new = new
state-assigned = assigned
state-in_progress = in progress
state-waiting_customer = waiting for the customer
state-waiting_third_party = waiting for a third party
state-resolved = resolved
state-closed = closed
state-cancelled = cancelled
state-reopened = open again

# What the customer of a report is told when supply is back.
restored = Supply in your area has been back since { $at }; the cause was: { $cause }. Your report { $ticket } is settled. If you still have no power, please tell us.

# Calendars and bulletins of planned work.
calendar-name = Planned interruptions, { $region }
calendar-summary = Power interruption: { $cause }
calendar-description = Reason: { $cause }. Where: { $places }.
place-transformer = transformer { $code }
place-feeder = feeder { $code }
place-area = area { $code }
place-ring = an area of the map
places-more = { $count ->
    [one] and one more place
   *[other] and { $count } more places
  }
bulletin-title = Supply bulletin { $month }, { $region }
bulletin-planned = Planned work
bulletin-faults = What happened
bulletin-summary = In all
bulletin-none = None.
bulletin-work = { $from } to { $until }: { $places } ({ $cause })
bulletin-cancelled = ; cancelled
bulletin-moved = ; changed, revision { $revision }
bulletin-alternative = If it cannot be then: { $from } to { $until }.
bulletin-lasts = still going on
bulletin-fault = { $from } to { $until }: { $places } ({ $cause }); up to { $customers } customers without power
bulletin-fault-uncounted = { $from } to { $until }: { $places } ({ $cause })
bulletin-totals = Interruptions: { $outages }; customer hours without power: { $hours }.

# Notices to the public.
notices-title = Notices of { $region }
notices-none = There are no notices now.
notice-initial = First notice
notice-update = News
notice-correction = Correction
notice-cancel = Cancelled
notice-all-clear = Over
notice-times = Published at { $at }, holds until { $until }
