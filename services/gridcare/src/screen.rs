//! A screen that is drawn again and again. On anything but a terminal, texts simply follow each other.

use std::io;

use crate::output;

/// The alternate screen of the terminal; the old one comes back when this goes, on every way out of the command.
pub(crate) struct Screen {
    terminal: bool,
}

impl Screen {
    /// Takes the screen.
    pub(crate) fn open() -> io::Result<Self> {
        let terminal = output::is_terminal();
        if terminal {
            // Alternate screen, cursor hidden.
            output::raw("\x1b[?1049h\x1b[?25l")?;
        }
        Ok(Self { terminal })
    }

    /// Shows a text instead of the one before. What does not fit below is cut, so that nothing scrolls.
    pub(crate) fn draw(&mut self, text: &str) -> io::Result<()> {
        if !self.terminal {
            return output::line(text);
        }
        let lines: Vec<_> = text.lines().take(output::height()).collect();
        // Home; every line cleared to its right; everything below cleared: no flicker, as nothing is blanked first.
        output::raw(format_args!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n")))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.terminal {
            // When even that fails, there is no terminal to restore.
            let _ = output::raw("\x1b[?25h\x1b[?1049l");
        }
    }
}
