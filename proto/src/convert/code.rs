use gridcare_domain::{
    clock::{ClockKind, IntervalKind, Phase},
    contact::{Channel, Direction, Outcome},
    keyword::Silence,
    notice::{NoticeChannel, Phase as NoticePhase, RevisionKind, RevisionState, Urgency},
    outage::{Confidence, CrewState, EstimateSource, OutageKind, StepKind},
    sms_text::Encoding,
    standard::Locality,
    ticket::{LinkKind, Priority, Repetition, State, TimelineKind, Visibility},
};

/// Numbers on the wire are those of the domain, so that a code is written once; zero is UNSPECIFIED.
macro_rules! codes {
    ($($(#[$doc:meta])* $to:ident $from:ident $type:ty;)+) => {$(
        #[doc = concat!("The wire's number of a [`", stringify!($type), "`].")]
        #[must_use]
        pub fn $to(code: $type) -> i32 { i32::try_from(code.number()).unwrap_or(0) }

        #[doc = concat!("The [`", stringify!($type), "`] of the wire's number; `None` when unspecified or unknown.")]
        #[must_use]
        pub fn $from(number: i32) -> Option<$type> { <$type>::from_number(i64::from(number)) }
    )+};
}

codes! {
    channel_to_wire channel_from_wire Channel;
    direction_to_wire direction_from_wire Direction;
    outcome_to_wire outcome_from_wire Outcome;
    silence_to_wire silence_from_wire Silence;
    encoding_to_wire encoding_from_wire Encoding;
    outage_kind_to_wire outage_kind_from_wire OutageKind;
    estimate_source_to_wire estimate_source_from_wire EstimateSource;
    confidence_to_wire confidence_from_wire Confidence;
    crew_state_to_wire crew_state_from_wire CrewState;
    step_kind_to_wire step_kind_from_wire StepKind;
    state_to_wire state_from_wire State;
    priority_to_wire priority_from_wire Priority;
    timeline_kind_to_wire timeline_kind_from_wire TimelineKind;
    visibility_to_wire visibility_from_wire Visibility;
    locality_to_wire locality_from_wire Locality;
    clock_kind_to_wire clock_kind_from_wire ClockKind;
    clock_phase_to_wire clock_phase_from_wire Phase;
    interval_kind_to_wire interval_kind_from_wire IntervalKind;
    repetition_to_wire repetition_from_wire Repetition;
    link_kind_to_wire link_kind_from_wire LinkKind;
    revision_state_to_wire revision_state_from_wire RevisionState;
    revision_kind_to_wire revision_kind_from_wire RevisionKind;
    phase_to_wire phase_from_wire NoticePhase;
    urgency_to_wire urgency_from_wire Urgency;
    notice_channel_to_wire notice_channel_from_wire NoticeChannel;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contact::v1 as contact, notice::v1 as notice, outage::v1 as outage, ticket::v1 as ticket};

    #[test]
    fn every_code_has_its_name_on_the_wire() {
        for channel in Channel::ALL {
            let wire = contact::Channel::try_from(channel_to_wire(*channel)).unwrap();
            assert_eq!(wire.as_str_name(), format!("CHANNEL_{}", channel.code().to_uppercase()));
        }
        for direction in Direction::ALL {
            let wire = contact::Direction::try_from(direction_to_wire(*direction)).unwrap();
            assert_eq!(wire.as_str_name(), format!("DIRECTION_{}", direction.code().to_uppercase()));
        }
        for outcome in Outcome::ALL {
            let wire = contact::Outcome::try_from(outcome_to_wire(*outcome)).unwrap();
            assert_eq!(wire.as_str_name(), format!("OUTCOME_{}", outcome.code().to_uppercase()));
        }
        for silence in Silence::ALL {
            let wire = contact::SmsSilence::try_from(silence_to_wire(*silence)).unwrap();
            assert_eq!(wire.as_str_name(), format!("SMS_SILENCE_{}", silence.code().to_uppercase()));
        }
        for encoding in Encoding::ALL {
            let wire = contact::SmsEncoding::try_from(encoding_to_wire(*encoding)).unwrap();
            assert_eq!(wire.as_str_name(), format!("SMS_ENCODING_{}", encoding.code().to_uppercase()));
        }
        for kind in OutageKind::ALL {
            let wire = outage::OutageKind::try_from(outage_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("OUTAGE_KIND_{}", kind.code().to_uppercase()));
        }
        for source in EstimateSource::ALL {
            let wire = outage::EstimateSource::try_from(estimate_source_to_wire(*source)).unwrap();
            assert_eq!(wire.as_str_name(), format!("ESTIMATE_SOURCE_{}", source.code().to_uppercase()));
        }
        for confidence in Confidence::ALL {
            let wire = outage::Confidence::try_from(confidence_to_wire(*confidence)).unwrap();
            assert_eq!(wire.as_str_name(), format!("CONFIDENCE_{}", confidence.code().to_uppercase()));
        }
        for crew in CrewState::ALL {
            let wire = outage::CrewState::try_from(crew_state_to_wire(*crew)).unwrap();
            assert_eq!(wire.as_str_name(), format!("CREW_STATE_{}", crew.code().to_uppercase()));
        }
        for kind in StepKind::ALL {
            let wire = outage::StepKind::try_from(step_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("STEP_KIND_{}", kind.code().to_uppercase()));
        }
        for state in State::ALL {
            let wire = ticket::TicketState::try_from(state_to_wire(*state)).unwrap();
            assert_eq!(wire.as_str_name(), format!("TICKET_STATE_{}", state.code().to_uppercase()));
        }
        for priority in Priority::ALL {
            let wire = ticket::TicketPriority::try_from(priority_to_wire(*priority)).unwrap();
            assert_eq!(wire.as_str_name(), format!("TICKET_PRIORITY_{}", priority.code().to_uppercase()));
        }
        for kind in TimelineKind::ALL {
            let wire = ticket::TimelineKind::try_from(timeline_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("TIMELINE_KIND_{}", kind.code().to_uppercase()));
        }
        for visibility in Visibility::ALL {
            let wire = ticket::TimelineVisibility::try_from(visibility_to_wire(*visibility)).unwrap();
            assert_eq!(wire.as_str_name(), format!("TIMELINE_VISIBILITY_{}", visibility.code().to_uppercase()));
        }
        for locality in Locality::ALL {
            let wire = ticket::Locality::try_from(locality_to_wire(*locality)).unwrap();
            assert_eq!(wire.as_str_name(), format!("LOCALITY_{}", locality.code().to_uppercase()));
        }
        for kind in ClockKind::ALL {
            let wire = ticket::ClockKind::try_from(clock_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("CLOCK_KIND_{}", kind.code().to_uppercase()));
        }
        for phase in Phase::ALL {
            let wire = ticket::ClockPhase::try_from(clock_phase_to_wire(*phase)).unwrap();
            assert_eq!(wire.as_str_name(), format!("CLOCK_PHASE_{}", phase.code().to_uppercase()));
        }
        for kind in IntervalKind::ALL {
            let wire = ticket::IntervalKind::try_from(interval_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("INTERVAL_KIND_{}", kind.code().to_uppercase()));
        }
        for repetition in Repetition::ALL {
            let wire = ticket::Repetition::try_from(repetition_to_wire(*repetition)).unwrap();
            assert_eq!(wire.as_str_name(), format!("REPETITION_{}", repetition.code().to_uppercase()));
        }
        for state in RevisionState::ALL {
            let wire = notice::RevisionState::try_from(revision_state_to_wire(*state)).unwrap();
            assert_eq!(wire.as_str_name(), format!("REVISION_STATE_{}", state.code().to_uppercase()));
        }
        for kind in RevisionKind::ALL {
            let wire = notice::RevisionKind::try_from(revision_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("REVISION_KIND_{}", kind.code().to_uppercase()));
        }
        for phase in NoticePhase::ALL {
            let wire = notice::Phase::try_from(phase_to_wire(*phase)).unwrap();
            assert_eq!(wire.as_str_name(), format!("PHASE_{}", phase.code().to_uppercase()));
        }
        for urgency in Urgency::ALL {
            let wire = notice::Urgency::try_from(urgency_to_wire(*urgency)).unwrap();
            assert_eq!(wire.as_str_name(), format!("URGENCY_{}", urgency.code().to_uppercase()));
        }
        for channel in NoticeChannel::ALL {
            let wire = notice::NoticeChannel::try_from(notice_channel_to_wire(*channel)).unwrap();
            assert_eq!(wire.as_str_name(), format!("NOTICE_CHANNEL_{}", channel.code().to_uppercase()));
        }
        for kind in LinkKind::ALL {
            let wire = ticket::LinkKind::try_from(link_kind_to_wire(*kind)).unwrap();
            assert_eq!(wire.as_str_name(), format!("LINK_KIND_{}", kind.code().to_uppercase()));
        }
    }
}
