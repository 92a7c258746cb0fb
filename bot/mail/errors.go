package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"domovoy/bot"
)

// tooLarge is a reply about this message, whichever command it answers (RFC 1870,
// section 6.1).
const tooLarge = 552

// explain turns an error of the library into one of bot's errors. What passes by
// itself, such as a broken connection or a 4xx, is retried without end; so is a
// certificate that is not valid, because an administrator can replace it and nothing
// is lost until then. A message has arrived only if its end was sent.
func (m *Mail) explain(doing string, err error) error {
	shown := fmt.Errorf("%s %s: %w", doing, m.config.Server, m.conceal(err))
	if failed, ok := errors.AsType[*gomail.SendError](err); ok {
		return refusal(failed, shown)
	}
	// The greeting, STARTTLS or AUTH. RFC 4954, section 6: 535 and 534 are
	// refused credentials, 530 is that some are needed.
	if reply, ok := errors.AsType[*textproto.Error](err); ok && (reply.Code == 535 || reply.Code == 534 || reply.Code == 530) {
		return &bot.Permanent{Reason: fmt.Sprint(reply.Code), Token: true, Err: shown}
	}
	return &bot.Unclear{Err: shown}
}

// refusal is what the server's reply to a message means.
func refusal(failed *gomail.SendError, shown error) error {
	code := failed.ErrorCode()
	reason := strings.TrimSpace(fmt.Sprint(code, " ", failed.EnhancedStatusCode()))
	switch {
	case code == 0 && failed.Reason == gomail.ErrSMTPDataClose:
		return &bot.Unclear{Arrived: true, Err: shown} // the answer to the whole message is lost
	case code < 500:
		return &bot.Unclear{Err: shown}
	case code == tooLarge, failed.Reason == gomail.ErrSMTPData, failed.Reason == gomail.ErrSMTPDataClose:
		return &bot.Refused{Reason: reason, Err: shown}
	case failed.Reason == gomail.ErrSMTPMailFrom:
		return &bot.Permanent{Reason: reason, Token: true, Err: shown} // about the sender, the same for every recipient
	}
	return &bot.Permanent{Reason: reason, Chat: true, Err: shown} // the mailbox
}

// concealed is an error without the password in its text. It has no Unwrap, so that
// nobody prints the original; errors.Is still works.
type concealed struct {
	text string
	err  error
}

func (e *concealed) Error() string { return e.text }

func (e *concealed) Is(target error) bool { return errors.Is(e.err, target) }

// conceal removes the password from an error's text: a server may repeat what it
// was sent.
func (m *Mail) conceal(err error) error {
	if m.config.Password == "" || !strings.Contains(err.Error(), m.config.Password) {
		return err
	}
	return &concealed{text: strings.ReplaceAll(err.Error(), m.config.Password, "***"), err: err}
}
