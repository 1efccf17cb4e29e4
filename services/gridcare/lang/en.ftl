# The terminal in English. The same messages stand in vi.ftl; a test compares the two.
title = { $country }: customer care from { $from } to { $until }
region = Region
hotline = Hotline
sms = SMS
web = Web
office = Offices
tickets = Tickets
offered = offered
answered = answered
abandoned = abandoned
busy = busy
messages = messages
visits = visits
open = open
total = Country
covered = regions in it
not-offered = not offered
not-reported = not reported
unknown = — unknown
legend = · not offered   – not reported   ? unknown
reach = Completeness: { $covered } of { $expected } { $expected ->
    [one] region
   *[other] regions
} covered
of-region = { $region } ({ $node })
ok-as-of = up to date, figures as of { $asof } ({ $age })
stale = stale since { $since }, figures as of { $asof } ({ $age })
timeout = no answer in time since { $since }, figures as of { $asof } ({ $age })
unreachable = unreachable since { $since }, figures as of { $asof } ({ $age })
denied = access denied since { $since }, figures as of { $asof } ({ $age })
version-skew = speaks another version since { $since }, figures as of { $asof } ({ $age })
never = { $status }; nothing was ever received
behind = { $count ->
    [one] one entry
   *[other] { $count } entries
} behind
figures = Figures
figure-covers = { $channel }, { $metric }: { $covered } of { $expected } regions
figure-not-offered = not offered by { $regions }
figure-not-reported = not reported by { $regions }
figure-partial = for a part of the period by { $regions }
age-now = just now
age-seconds = { $count } s ago
age-minutes = { $count } min ago
age-hours = { $count } h ago
age-days = { $count } d ago
lost = The gateway cannot be asked since { $since }: { $error }
kept = The table below is of { $asof } ({ $age }).
watching = { $address }, every second; Ctrl-C ends
unknown-time = an unknown time
standard-title = Standard { $version }, published { $published }, in force from { $effective }, signed by { $key }
standard-none = No standard has been published yet.
standard-sent = This standard
standard-in-force = In force
standard-since = Since
standard-unknown = unknown
standard-not-sent = not to be sent
standard-waiting = to be sent
standard-unanswered = sent, not answered yet
standard-pending = accepted, waits for its time
standard-acknowledged = accepted
standard-superseded = accepted, superseded since
standard-refused = refused: { $reasons }
standard-unreachable = { $state }; unreachable since { $since }
