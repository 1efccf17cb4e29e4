//! What figures of a text mean.

/// What a word with digits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure<'a> {
    Number(u64),
    /// The digits of the fraction are read one by one.
    Fraction {
        whole: u64,
        fraction: &'a str,
    },
    /// A telephone number, or another that is no quantity.
    Called,
    Time {
        hour: u8,
        minute: u8,
    },
    Date {
        day: u8,
        month: u8,
        year: Option<u16>,
    },
    Month {
        month: u8,
        year: u16,
    },
    Range {
        from: &'a str,
        to: &'a str,
    },
    None,
}

/// From so many digits on without anything between them, a number is one that is called.
const CALLED: usize = 7;

/// What a word is; `point` separates whole numbers from fractions, and the other of `.` and `,` thousands.
pub(super) fn figure(core: &str, point: char) -> Figure<'_> {
    if !core.starts_with(|c: char| c.is_ascii_digit() || c == '+') {
        return Figure::None;
    }
    time(core).or_else(|| date(core)).or_else(|| range(core)).or_else(|| number(core, point)).unwrap_or(Figure::None)
}

fn small(text: &str, most: u8) -> Option<u8> {
    let number: u8 = (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())??;
    (number <= most).then_some(number)
}

fn year(text: &str) -> Option<u16> {
    (text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// `15:30`, `15h30`, `15g30`, `15h`.
fn time(core: &str) -> Option<Figure<'_>> {
    let (hour, minute) = core.split_once([':', 'h', 'g'])?;
    let minute =
        if minute.is_empty() && !core.ends_with(':') { 0 } else { small(minute, 59).filter(|_| minute.len() == 2)? };
    Some(Figure::Time { hour: small(hour, 24)?, minute })
}

/// `22/05/2013`, `22-5-2013`, `2013-05-22`, `22/5`, `05/2013`.
fn date(core: &str) -> Option<Figure<'_>> {
    let day = |text| small(text, 31).filter(|day| *day > 0);
    let month = |text| small(text, 12).filter(|month| *month > 0);
    let separator = if core.contains('/') { '/' } else { '-' };
    let parts: Vec<_> = core.split(separator).collect();
    match parts.as_slice() {
        [first, second, last] => {
            let (d, y) = if first.len() == 4 { (last, first) } else { (first, last) };
            Some(Figure::Date { day: day(d)?, month: month(second)?, year: Some(year(y)?) })
        }
        [first, last] if separator == '/' => match year(last) {
            Some(year) => Some(Figure::Month { month: month(first)?, year }),
            None => Some(Figure::Date { day: day(first)?, month: month(last)?, year: None }),
        },
        _ => None,
    }
}

fn range(core: &str) -> Option<Figure<'_>> {
    let (from, to) = core.split_once(['-', '–'])?;
    let sound = |side: &str| side.starts_with(|c: char| c.is_ascii_digit()) && !side.contains(['-', '–']);
    (sound(from) && sound(to)).then_some(Figure::Range { from, to })
}

fn number(core: &str, point: char) -> Option<Figure<'_>> {
    let separator = if point == ',' { '.' } else { ',' };
    if !core.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
        let called = core.len() > CALLED && core.bytes().all(|b| b.is_ascii_digit() || b"+.-()".contains(&b));
        return called.then_some(Figure::Called);
    }
    let (whole, fraction) = core.split_once(point).map_or((core, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let rest: Vec<_> = groups.collect();
    if rest.iter().any(|group| group.len() != 3) {
        return None;
    }
    let grouped = !rest.is_empty() && (1..=3).contains(&first.len());
    let bare = rest.is_empty()
        && (first.len() < CALLED && (first.len() == 1 || !first.starts_with('0')) || fraction.is_some());
    let digits = fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()));
    // Beyond this nobody follows words: digits are clearer.
    let followed = first.len() + 3 * rest.len() <= 12;
    if !digits || !followed || !(grouped || bare) {
        return Some(Figure::Called);
    }
    let whole: u64 = [&[first], rest.as_slice()].concat().concat().parse().ok()?;
    Some(fraction.map_or(Figure::Number(whole), |fraction| Figure::Fraction { whole, fraction }))
}
