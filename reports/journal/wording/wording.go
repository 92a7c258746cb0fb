// Package wording splits a text into a pattern, which many texts share, and the
// parts that are its own: the errors and successes of an issuance log say the same
// few things about different names, orders and addresses. Nothing is lost: Join
// returns exactly what was split.
package wording

import "strings"

// Marks in a pattern, and between parts. They are control characters that logs do
// not have; a text that has one is not split.
const (
	partMark  = '\x01' // stands for the next part
	nameMark  = '\x02' // stands for the certificate's name
	wholeMark = '\x03' // is the whole pattern of a text that is not split
	separator = '\x04' // between parts
	lastMark  = separator
)

// Split appends the pattern of a text to pattern and its parts to parts. The name
// of its certificate, such as "example.com_le1", tells which name in it is the
// certificate's own.
func Split(pattern, parts []byte, text, certificate string) (pattern2, parts2 []byte) {
	s := splitter{text: text, name: nameOf(certificate), pattern: pattern, parts: parts}
	for i := 0; i < len(text); {
		switch kinds[text[i]] {
		case mark:
			return append(pattern, wholeMark), append(parts, text...)
		case blank:
			i++
		default:
			i = s.token(i)
		}
	}
	return append(s.pattern, text[s.copied:]...), s.parts
}

// Join returns the text that Split took apart.
func Join(pattern, parts, certificate string) string {
	if pattern == string(wholeMark) {
		return parts
	}
	var text strings.Builder
	text.Grow(len(pattern) + len(parts) + len(certificate))
	for {
		i := strings.IndexAny(pattern, string(partMark)+string(nameMark))
		if i < 0 {
			text.WriteString(pattern)
			return text.String()
		}
		text.WriteString(pattern[:i])
		if pattern[i] == nameMark {
			text.WriteString(nameOf(certificate))
		} else {
			var part string
			part, parts, _ = strings.Cut(parts, string(separator))
			text.WriteString(part)
		}
		pattern = pattern[i+1:]
	}
}

// nameOf returns the domain in a certificate's name: what precedes "_le1".
func nameOf(certificate string) string {
	if i := strings.LastIndexByte(certificate, '_'); i >= 0 {
		return certificate[:i]
	}
	return certificate
}

// splitter builds a pattern and its parts.
type splitter struct {
	text, name     string
	copied         int // so much of the text is in the pattern and its parts
	pattern, parts []byte
	some           bool // a part was appended
}

// token splits the token that begins at start, and returns where it ends. A full
// stop or a colon at its end is the sentence's. A host after https:// is the CA's,
// or of a page of documentation, and belongs to the pattern.
func (s *splitter) token(start int) (end int) {
	var seen [mark + 1]int // bytes of each kind
	for end = start; end < len(s.text) && kinds[s.text[end]] > blank; end++ {
		seen[kinds[s.text[end]]]++
		if kinds[s.text[end]] == mark {
			return end
		}
	}
	last := end
	for last > start+1 && (s.text[last-1] == '.' || s.text[last-1] == ':') {
		last--
	}
	token := s.text[start:last]
	before, own := strings.CutSuffix(token, s.name)
	own = own && s.name != "" && (before == "" || before[len(before)-1] == '.')
	if own {
		token, seen = before, count(before)
	}
	if varies(token, &seen) && !strings.HasSuffix(s.text[:start], "https://") {
		if s.some {
			s.parts = append(s.parts, separator)
		}
		s.parts, s.some = append(s.parts, token...), true
		s.replace(start, len(token), partMark)
	}
	if own {
		s.replace(start+len(before), len(s.name), nameMark)
	}
	return end
}

// replace puts a mark in place of a piece of the text.
func (s *splitter) replace(start, length int, mark byte) {
	s.pattern = append(append(s.pattern, s.text[s.copied:start]...), mark)
	s.copied = start + length
}

// Kinds of bytes. From lower on they are parts of names, numbers, addresses, keys.
const (
	blank = iota
	lower
	upper
	digit
	dot
	other
	mark
)

// kinds is the kind of each byte.
var kinds = func() (kinds [256]byte) {
	for c := range kinds {
		switch {
		case c <= lastMark:
			kinds[c] = mark
		case 'a' <= c && c <= 'z':
			kinds[c] = lower
		case 'A' <= c && c <= 'Z':
			kinds[c] = upper
		case '0' <= c && c <= '9':
			kinds[c] = digit
		case c == '.':
			kinds[c] = dot
		case strings.IndexByte("-:_=+%", byte(c)) >= 0:
			kinds[c] = other
		}
	}
	return kinds
}()

// count returns how many bytes of each kind a token has.
func count(token string) (seen [mark + 1]int) {
	for i := range len(token) {
		seen[kinds[token[i]]]++
	}
	return seen
}

// Tokens of this many characters are not words: they are keys and the like.
const (
	longWithDigits = 16
	longMixed      = 24 // of both cases
)

// varies reports whether a token is probably not the same in other texts: a host,
// an address, a number, a date, a key. A status such as 404 is not one of them.
// seen counts its bytes, and may count full stops after it too.
func varies(token string, seen *[mark + 1]int) bool {
	switch {
	case seen[digit] >= 4, seen[digit] > 0 && len(token) >= longWithDigits:
		return true
	case seen[dot] > 0 && len(token) > 2 && strings.IndexByte(token[1:len(token)-1], '.') >= 0: // not ".well-known", nor "www." before the name
		return true
	}
	return seen[upper] > 0 && seen[lower] > 0 && len(token) >= longMixed
}
