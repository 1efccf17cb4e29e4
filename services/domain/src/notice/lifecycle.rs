use jiff::{Timestamp, ToSpan as _};

use super::{Notice, Revision, RevisionKind, RevisionState, Urgency};
use crate::refusal::{Refusal, RefusalKind};

/// What somebody does to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Write it anew.
    Edit,
    /// Ask a second person.
    Submit,
    /// Agree, as a second person.
    Approve,
    /// Send it back to its author.
    Reject,
    /// Tell everybody.
    Publish,
    /// Give it up.
    Withdraw,
    /// Look at what went out with one person's word.
    Review,
}

impl Act {
    const ALL: [Self; 7] =
        [Self::Edit, Self::Submit, Self::Approve, Self::Reject, Self::Publish, Self::Withdraw, Self::Review];

    /// The stable word, lowercase.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Publish => "publish",
            Self::Withdraw => "withdraw",
            Self::Review => "review",
        }
    }
}

/// The state after an act, whoever does it; none where it does not belong.
fn target(revision: &Revision, act: Act) -> Option<RevisionState> {
    use RevisionState::{Approved, Draft, Published, Submitted, Withdrawn};
    match (revision.state, act) {
        (Draft, Act::Edit) | (Submitted | Approved, Act::Reject) => Some(Draft),
        (Draft, Act::Submit) => Some(Submitted),
        (Submitted, Act::Approve) => Some(Approved),
        (Approved, Act::Publish) => Some(Published),
        // With one person's word; a second looks at it afterwards.
        (Draft | Submitted, Act::Publish) if revision.content.urgency == Urgency::Emergency => Some(Published),
        (Draft | Submitted | Approved, Act::Withdraw) => Some(Withdrawn),
        (Published, Act::Review) if revision.awaits_review() => Some(Published),
        _ => None,
    }
}

/// The state in which an act of this person leaves a revision, or why it may not be done.
pub fn act(revision: &Revision, act: Act, who: &str) -> Result<RevisionState, Refusal> {
    let Some(next) = target(revision, act) else {
        let allowed: Vec<_> =
            Act::ALL.iter().filter(|act| target(revision, **act).is_some()).map(|act| act.code()).collect();
        let allowed = if allowed.is_empty() { "nothing more".to_owned() } else { allowed.join(", ") };
        let reason = if act == Act::Publish { "NOT_APPROVED" } else { "STATE_DOES_NOT_ALLOW" };
        let message =
            format!("the revision is {}, which allows {allowed}; it does not allow {}", revision.state, act.code());
        return Err(Refusal::new(RefusalKind::Precondition, reason, message)
            .with("state", revision.state.code())
            .with("allowed", allowed));
    };
    if matches!(act, Act::Approve | Act::Review) && revision.author == who {
        let message = "the one who wrote it cannot be the second person; ask somebody else";
        return Err(Refusal::new(RefusalKind::Denied, "SECOND_PERSON_NEEDED", message));
    }
    Ok(next)
}

/// What is told after its time.
#[must_use]
pub fn expired() -> Refusal {
    let message = "its time is over, and nobody is told any more; give a later expires_at";
    Refusal::new(RefusalKind::Precondition, "NOTICE_EXPIRED", message)
}

/// The notice after an act of this person, and the number of the revision that it was done to: the newest one; or, where
/// somebody looks at what went out with one person's word, the newest that still waits for that, whatever followed it.
pub fn moved(notice: &Notice, what: Act, who: &str, now: Timestamp) -> Result<(Notice, i64), Refusal> {
    let before = notice.published().and_then(|revision| revision.published_at);
    let mut next = notice.clone();
    next.version += 1;
    let waits = |revision: &Revision| what == Act::Review && revision.awaits_review();
    let at = next.revisions.iter().rposition(waits).unwrap_or(next.revisions.len().saturating_sub(1));
    let Some(subject) = next.revisions.get_mut(at) else {
        return Err(Refusal::new(RefusalKind::Precondition, "NO_REVISION", "write a first revision of the notice"));
    };
    subject.state = act(subject, what, who)?;
    match what {
        Act::Approve => subject.approver = Some(who.to_owned()),
        Act::Reject => subject.approver = None,
        Act::Review => subject.reviewer = Some(who.to_owned()),
        Act::Publish if subject.content.expires_at <= now => return Err(expired()),
        // Revisions land in the order of these, whatever the clocks of two processes say.
        Act::Publish => {
            let after = before.and_then(|before| before.checked_add(1.microsecond()).ok());
            subject.published_at = Some(after.map_or(now, |after| after.max(now)));
        }
        Act::Edit | Act::Submit | Act::Withdraw => {}
    }
    let number = subject.number;
    Ok((next, number))
}

/// Whether a revision of this kind may follow the newest one, or why not.
pub fn may_follow(newest: Option<&Revision>, kind: RevisionKind) -> Result<(), Refusal> {
    let refuse = |reason, message: &str| Err(Refusal::new(RefusalKind::Precondition, reason, message));
    match newest {
        None if kind == RevisionKind::Initial => Ok(()),
        None => refuse("FIRST_IS_INITIAL", "the first revision of a notice is its initial one"),
        Some(last) if !matches!(last.state, RevisionState::Published | RevisionState::Withdrawn) => {
            let message = format!("revision {} is {}; publish or withdraw it first", last.number, last.state);
            refuse("REVISION_OPEN", &message)
        }
        Some(last) if last.state == RevisionState::Published && last.content.kind.ends() => {
            refuse("NOTICE_ENDED", "the notice has ended; begin another one")
        }
        Some(last) if last.state == RevisionState::Published && kind == RevisionKind::Initial => {
            refuse("INITIAL_TWICE", "give an update, a correction, a cancel or an all-clear")
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{super::*, *};

    fn notice(revisions: Vec<Revision>) -> Notice {
        Notice { id: Uuid::nil(), version: 1, outage_id: None, incident: "i".into(), revisions }
    }

    pub(super) fn revision(state: RevisionState, urgency: Urgency) -> Revision {
        Revision {
            number: 1,
            content: Content {
                kind: RevisionKind::Initial,
                phase: Phase::First,
                urgency,
                audience: Audience::default(),
                channels: vec![NoticeChannel::Sms],
                vi: NoticeText::default(),
                en: NoticeText::default(),
                expires_at: Timestamp::UNIX_EPOCH,
                diacritics: false,
            },
            state,
            author: "lan".into(),
            created_at: Timestamp::UNIX_EPOCH,
            approver: None,
            published_at: None,
            reviewer: None,
        }
    }

    #[test]
    fn nobody_agrees_with_themselves() {
        let submitted = revision(RevisionState::Submitted, Urgency::Routine);
        assert_eq!(act(&submitted, Act::Approve, "lan").unwrap_err().reason, "SECOND_PERSON_NEEDED");
        assert_eq!(act(&submitted, Act::Approve, "minh").unwrap(), RevisionState::Approved);
    }

    #[test]
    fn only_an_emergency_goes_out_with_one_persons_word_and_is_looked_at_afterwards() {
        for state in [RevisionState::Draft, RevisionState::Submitted] {
            for urgency in [Urgency::Routine, Urgency::Safety] {
                assert_eq!(act(&revision(state, urgency), Act::Publish, "lan").unwrap_err().reason, "NOT_APPROVED");
            }
            assert_eq!(
                act(&revision(state, Urgency::Emergency), Act::Publish, "lan").unwrap(),
                RevisionState::Published
            );
        }
        let out = revision(RevisionState::Published, Urgency::Emergency);
        assert!(out.awaits_review());
        assert_eq!(act(&out, Act::Review, "lan").unwrap_err().reason, "SECOND_PERSON_NEEDED");
        assert!(act(&out, Act::Review, "minh").is_ok());
        let seen = Revision { reviewer: Some("minh".into()), ..out };
        assert_eq!(act(&seen, Act::Review, "hoa").unwrap_err().reason, "STATE_DOES_NOT_ALLOW");
    }

    #[test]
    fn what_went_out_with_one_persons_word_is_looked_at_after_others_have_followed_too() {
        let first = revision(RevisionState::Published, Urgency::Emergency);
        let second = Revision { number: 2, ..revision(RevisionState::Published, Urgency::Emergency) };
        let third = Revision { number: 3, ..revision(RevisionState::Draft, Urgency::Routine) };
        let mut notice = notice(vec![first, second, third]);
        for expected in [2, 1] {
            let (next, number) = moved(&notice, Act::Review, "minh", Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(number, expected);
            notice = next;
        }
        assert!(notice.revisions.iter().all(|revision| !revision.awaits_review()));
        let refusal = moved(&notice, Act::Review, "minh", Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refusal.reason, "STATE_DOES_NOT_ALLOW");
        assert!(refusal.message.contains("draft"), "{refusal}");
    }

    #[test]
    fn a_publication_comes_after_the_one_before_whatever_the_clock_says() {
        let now = Timestamp::from_second(1_369_206_000).unwrap();
        let mut second = Revision { number: 2, ..revision(RevisionState::Draft, Urgency::Emergency) };
        let first = Revision { published_at: Some(now), ..revision(RevisionState::Published, Urgency::Emergency) };
        second.content.expires_at = now + 1.hour();
        let (next, _) = moved(&notice(vec![first, second]), Act::Publish, "lan", now - 5.seconds()).unwrap();
        assert_eq!(next.newest().unwrap().published_at, Some(now + 1.microsecond()));
        let late = moved(&notice(next.revisions), Act::Publish, "lan", now);
        assert_eq!(late.unwrap_err().reason, "NOT_APPROVED");
    }

    #[test]
    fn nothing_is_published_after_its_time() {
        let draft = revision(RevisionState::Draft, Urgency::Emergency);
        let late = moved(&notice(vec![draft]), Act::Publish, "lan", Timestamp::UNIX_EPOCH);
        assert_eq!(late.unwrap_err().reason, "NOTICE_EXPIRED");
    }

    #[test]
    fn what_is_published_is_never_changed() {
        let out = Revision { approver: Some("minh".into()), ..revision(RevisionState::Published, Urgency::Routine) };
        for one in Act::ALL {
            let refusal = act(&out, one, "minh").unwrap_err();
            assert!(refusal.message.contains("published"), "{refusal}");
            assert!(refusal.message.contains("nothing more"), "{refusal}");
        }
    }

    #[test]
    fn a_revision_follows_what_is_published_and_nothing_follows_an_end() {
        let kinds = RevisionKind::ALL;
        for kind in kinds {
            assert_eq!(may_follow(None, *kind).is_ok(), *kind == RevisionKind::Initial);
            let open = revision(RevisionState::Submitted, Urgency::Routine);
            assert_eq!(may_follow(Some(&open), *kind).unwrap_err().reason, "REVISION_OPEN");
            let mut ended = revision(RevisionState::Published, Urgency::Routine);
            ended.content.kind = RevisionKind::Cancel;
            assert_eq!(may_follow(Some(&ended), *kind).unwrap_err().reason, "NOTICE_ENDED");
            let out = revision(RevisionState::Published, Urgency::Routine);
            assert_eq!(may_follow(Some(&out), *kind).is_ok(), *kind != RevisionKind::Initial);
        }
    }
}
