package mail

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"domovoy/bot/plain"
	"domovoy/reports"
)

// sender is the name beside the sender's address.
const sender = "Domovoy"

// maxSubject is the longest subject, in runes: mail clients show less.
const maxSubject = 200

// compose writes a message as an e-mail of plain text. Headers that come from
// strangers are one clean line; the library encodes them (RFC 2047).
func (m *Mail) compose(to, inReplyTo string, message reports.Message) (*gomail.Msg, error) {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := letter.FromFormat(sender, m.config.From); err != nil {
		return nil, fmt.Errorf("writing the e-mail: %w", err)
	}
	if err := letter.To(to); err != nil {
		return nil, fmt.Errorf("writing the e-mail: %w", err)
	}
	title := plain.Marked(message)
	letter.Subject(cut(title, maxSubject))
	letter.SetDate()
	m.name(letter, inReplyTo, message)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's absence is to answer it (RFC 3834, section 5)
	if message.Language != "" {
		letter.SetGenHeader("Content-Language", message.Language)
	}
	if message.Tone == reports.ToneBad && !message.Silent {
		letter.SetImportance(gomail.ImportanceHigh)
	}
	letter.SetBodyString(gomail.TypeTextPlain, strings.ReplaceAll(strings.TrimSpace(title+"\n\n"+plain.Text(m.bundle, message)), "\n", "\r\n")+"\r\n")
	for _, f := range message.Files {
		if err := letter.AttachReader(f.Name, bytes.NewReader(f.Data), gomail.WithFileContentType(gomail.ContentType(f.Type))); err != nil {
			return nil, fmt.Errorf("attaching %s: %w", f.Name, err)
		}
	}
	return letter, nil
}

// name gives an e-mail the name of its delivery, and puts it into the thread of its
// problem, or below the message that it answers. The first message of a thread does
// not exist: clients group what refers to one name (RFC 5322, section 3.6.4).
func (m *Mail) name(letter *gomail.Msg, inReplyTo string, message reports.Message) {
	host := m.config.From[strings.LastIndex(m.config.From, "@")+1:]
	if message.Delivery != "" {
		letter.SetMessageIDWithValue("domovoy-" + message.Delivery + "@" + host)
	} else {
		letter.SetMessageID()
	}
	thread := ""
	if f := message.Facts; f != nil && f.Problem != 0 {
		thread = fmt.Sprintf("<domovoy-problem-%d-%d@%s>", f.Problem, f.Opened.Unix(), host)
	}
	if references := strings.TrimSpace(thread + " " + inReplyTo); references != "" {
		letter.SetGenHeader(gomail.HeaderInReplyTo, cmp.Or(inReplyTo, thread))
		letter.SetGenHeader(gomail.HeaderReferences, references)
	}
}

// cut shortens a text to a number of runes.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
