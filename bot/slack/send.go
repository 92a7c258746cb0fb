package slack

import (
	"context"
	"errors"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/reports"
)

// Send sends a message with its buttons and files and returns its timestamp, by
// which Slack identifies it. A reply goes into the thread of the message with the
// timestamp inReplyTo, except in a direct message, where a thread would only hide
// it. Message.Silent has no effect: in Slack only readers can mute a channel.
func (s *Slack) Send(ctx context.Context, to bot.Address, inReplyTo string, m reports.Message) (string, error) {
	thread := to.Thread
	if thread == "" && !direct(to.Chat) {
		thread = inReplyTo
	}
	if err := s.waitTurn(ctx, to.Chat); err != nil {
		return "", err
	}
	// Files are uploaded before the message and shown after it, so that the text
	// can name a missing file and is not sent again after a failed upload.
	files, err := s.stage(ctx, &m)
	if err != nil {
		return "", err
	}
	ref, err := s.post(ctx, to.Chat, thread, m, true)
	if err != nil || len(files) == 0 {
		return ref, err
	}
	if thread == "" {
		thread = ref
	}
	if err := s.share(ctx, to.Chat, thread, files); err != nil {
		s.log.Error("files were not shown in Slack", "channel", to.Chat, "error", err)
		// The text has been sent: it must be corrected, not repeated.
		if err := s.Edit(ctx, to, ref, s.without(m, files, reason(err))); err != nil {
			s.log.Error("missing files were not reported in the message", "channel", to.Chat, "error", err)
		}
	}
	return ref, nil
}

// Threads reports whether messages to an address can have a thread: in a direct
// message it would only hide them, and what is in a thread has none.
func (s *Slack) Threads(to bot.Address) bool {
	return to.Thread == "" && !direct(to.Chat) && !strings.HasPrefix(to.Chat, "U")
}

// Reply sends a message, without files, to the thread of the message with the
// timestamp ref. The error is bot.ErrGone when there is no such thread.
func (s *Slack) Reply(ctx context.Context, to bot.Address, ref string, m reports.Message) (string, error) {
	if ref == "" {
		return "", bot.ErrGone
	}
	if err := s.waitTurn(ctx, to.Chat); err != nil {
		return "", err
	}
	return s.post(ctx, to.Chat, ref, m, false)
}

// Edit replaces the text and the blocks of the message with the timestamp ref; a
// text alone would remove the blocks. Its files stay. The error is bot.ErrGone
// when the message no longer exists or can no longer be edited.
func (s *Slack) Edit(ctx context.Context, to bot.Address, ref string, m reports.Message) error {
	if err := s.waitTurn(ctx, to.Chat); err != nil {
		return err
	}
	ctx, sent := traced(ctx)
	_, _, _, err := s.api.UpdateMessageContext(ctx, to.Chat, ref, s.content(m)...)
	if unfit(code(err)) {
		_, _, _, err = s.api.UpdateMessageContext(ctx, to.Chat, ref, bare(m)...)
	}
	if gone(code(err)) {
		return bot.ErrGone
	}
	err = s.explain("editing a message in Slack", err, sent())
	if wait, is := errors.AsType[*bot.RetryAfter](err); is {
		wait.Scope = bot.ScopeEdits // the limit is the method's, in the whole workspace
	}
	return err
}

// post sends a message, and again in another form after a refusal that this may help
// against: without blocks that Slack refuses, or, if it may be, outside a thread that was
// deleted; if it may not, the error is bot.ErrGone.
func (s *Slack) post(ctx context.Context, channel, thread string, m reports.Message, outside bool) (string, error) {
	content := s.content(m)
	ctx, sent := traced(ctx)
	_, ref, err := s.api.PostMessageContext(ctx, channel, within(thread, content)...)
	if unfit(code(err)) {
		s.log.Error("Slack refused the blocks of a message", "channel", channel, "error", s.conceal(err))
		content = bare(m)
		_, ref, err = s.api.PostMessageContext(ctx, channel, within(thread, content)...)
	}
	if thread != "" && threadless(code(err)) {
		if !outside {
			return "", bot.ErrGone
		}
		_, ref, err = s.api.PostMessageContext(ctx, channel, content...)
	}
	return ref, s.explain("sending a message to Slack", err, sent())
}

func (s *Slack) content(m reports.Message) []slackgo.MsgOption {
	return append(quiet(),
		slackgo.MsgOptionText(Fallback(m), false),
		slackgo.MsgOptionBlocks(Render(m, s.bundle)...))
}

// bare is a message without blocks and buttons, for when Slack refuses the blocks.
func bare(m reports.Message) []slackgo.MsgOption {
	lines := []string{Fallback(m)}
	for _, section := range m.Sections {
		for _, line := range []string{section.Heading, section.Text} {
			if line = clean(line); line != "" {
				lines = append(lines, escape(line))
			}
		}
	}
	return append(quiet(), slackgo.MsgOptionText(clipEscaped(strings.Join(lines, "\n")), false))
}

// clipEscaped shortens a text to less than the 4,000 characters at which Slack splits
// it. It cuts at the end of a line, so that no escape is cut in two.
func clipEscaped(text string) string {
	const limit = 3500
	for len([]rune(text)) > limit {
		end := strings.LastIndexByte(text, '\n')
		if end < 0 {
			return ""
		}
		text = text[:end]
	}
	return text
}

// quiet prevents Slack from fetching the URLs in a message and showing previews.
func quiet() []slackgo.MsgOption {
	return []slackgo.MsgOption{
		slackgo.MsgOptionDisableLinkUnfurl(),
		slackgo.MsgOptionDisableMediaUnfurl(),
		slackgo.MsgOptionDisableMarkdown(),
	}
}

func within(thread string, content []slackgo.MsgOption) []slackgo.MsgOption {
	if thread == "" {
		return content
	}
	return append(content[:len(content):len(content)], slackgo.MsgOptionTS(thread))
}

// unfit reports whether an error code is about the blocks of a message.
func unfit(code string) bool {
	switch code {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long":
		return true
	}
	return false
}

// threadless reports whether an error code means that the thread takes no replies.
func threadless(code string) bool {
	switch code {
	case "thread_not_found", "message_not_found", "cannot_reply_to_message", "restricted_action_thread_locked",
		"restricted_action_non_threadable_channel":
		return true
	}
	return false
}

// direct reports whether a channel is a direct message.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// Slack allows one message a second in a channel and tolerates short bursts:
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	perSecond = 1
	burst     = 3
	patience  = 3 * time.Second // for a longer wait the outbox is asked to retry
)

// editsEvery keeps chat.update below the 50 calls a minute that its tier allows in a
// workspace; bursts are tolerated.
const (
	editsEvery = 1500 * time.Millisecond
	editsBurst = 9
)

// Limits are the rates, which the outbox keeps over restarts.
func (s *Slack) Limits() bot.Limits {
	return bot.Limits{
		Edits: bot.Rate{Every: editsEvery, Burst: editsBurst},
		Chat:  func(bot.Address) []bot.Rate { return []bot.Rate{{Every: time.Second / perSecond, Burst: burst}} },
	}
}

// newPace limits the rate of messages in each channel, by its id.
func newPace() *pace.Keyed[string] { return pace.New[string](perSecond, burst) }

// waitTurn waits until the rate limit of a channel allows one more call. When that
// takes longer than patience it does not wait but returns a *bot.RetryAfter.
func (s *Slack) waitTurn(ctx context.Context, channel string) error {
	turn := s.pace.Reserve(channel)
	delay := turn.Delay()
	if delay > patience {
		turn.Cancel()
		return &bot.RetryAfter{After: delay}
	}
	if err := pace.Sleep(ctx, delay); err != nil {
		turn.Cancel()
		return &bot.Unclear{Err: err}
	}
	return nil
}
