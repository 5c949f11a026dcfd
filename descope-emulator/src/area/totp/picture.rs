//! A QR code as a PNG file.

use qrcode::{Color, QrCode};

/// How many pixels a module is wide, and how many modules of white are around it all.
const SCALE: usize = 4;
const MARGIN: usize = 4;

/// The text as a QR code, black on white. `None` for a text that is too long for one.
pub(in crate::area) fn qr_code(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::new(text).ok()?;
    let modules = code.width();
    let width = (modules + 2 * MARGIN) * SCALE;
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let (column, row) = ((x / SCALE).checked_sub(MARGIN), (y / SCALE).checked_sub(MARGIN));
        let place = column.filter(|column| *column < modules).zip(row);
        place.and_then(|(column, row)| colors.get(row * modules + column)).is_some_and(|color| *color == Color::Dark)
    };
    // Each line begins with the number of its filter, here none; a pixel is one bit, and white is 1.
    let mut lines = Vec::new();
    for y in 0..width {
        lines.push(0);
        for first in (0..width).step_by(8) {
            lines.push((first..first + 8).fold(0, |byte, x| byte << 1 | u8::from(x >= width || !is_dark(x, y))));
        }
    }
    let side = u32::try_from(width).ok()?.to_be_bytes();
    let header = [&side[..], &side[..], &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", zlib(&lines)?), (b"IEND", Vec::new())] {
        file.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        let chunk = [&kind[..], &data].concat();
        file.extend(&chunk);
        file.extend(crc32(&chunk).to_be_bytes());
    }
    Some(file)
}

/// The form of zlib without compression: such a picture is small enough as it is.
fn zlib(data: &[u8]) -> Option<Vec<u8>> {
    let mut stream = vec![0x78, 0x01];
    let mut chunks = data.chunks(usize::from(u16::MAX)).peekable();
    while let Some(chunk) = chunks.next() {
        let length = u16::try_from(chunk.len()).ok()?;
        stream.push(u8::from(chunks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(chunk);
    }
    let sums = data.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    stream.extend((sums.1 << 16 | sums.0).to_be_bytes());
    Some(stream)
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_right() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        assert_eq!(zlib(b"Wikipedia").expect("short")[16..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn a_picture_has_the_form_of_a_png_file() {
        let file = qr_code("otpauth://totp/x?secret=AAAA").expect("fits");
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n") && file.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_eq!(qr_code(&"x".repeat(5000)), None);
    }
}
