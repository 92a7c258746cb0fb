package slack

import (
	"context"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/reports"
)

// Send delivers a message. An answer goes into the thread of what it answers,
// except in a direct message, where a thread only hides it. Slack has no
// silent messages: a person mutes a channel there, not its author.
func (s *Slack) Send(ctx context.Context, to bot.Address, inReplyTo string, m reports.Message) (string, error) {
	thread := to.Thread
	if thread == "" && !direct(to.Chat) {
		thread = inReplyTo
	}
	if err := s.waitTurn(ctx, to.Chat); err != nil {
		return "", err
	}
	// Files go up first and are shown last, so that the text is not sent
	// again each time an upload breaks, and can say which file is missing.
	files, err := s.stage(ctx, &m)
	if err != nil {
		return "", err
	}
	ref, err := s.post(ctx, to.Chat, thread, m)
	if err != nil || len(files) == 0 {
		return ref, err
	}
	if thread == "" {
		thread = ref
	}
	if err := s.share(ctx, to.Chat, thread, files); err != nil {
		s.log.Error("files were not shown in Slack", "channel", to.Chat, "error", err)
		// The text stands already: it is to be corrected, not repeated.
		if err := s.Edit(ctx, to, ref, s.without(m, files, reason(err))); err != nil {
			s.log.Error("nobody was told of missing files", "channel", to.Chat, "error", err)
		}
	}
	return ref, nil
}

// Edit replaces a message, blocks and text: a text alone would leave the
// message without blocks. Files stay as they were sent.
func (s *Slack) Edit(ctx context.Context, to bot.Address, ref string, m reports.Message) error {
	if err := s.waitTurn(ctx, to.Chat); err != nil {
		return err
	}
	_, _, _, err := s.api.UpdateMessageContext(ctx, to.Chat, ref, s.content(m)...)
	if unfit(code(err)) {
		_, _, _, err = s.api.UpdateMessageContext(ctx, to.Chat, ref, bare(m)...)
	}
	if gone(code(err)) {
		return bot.ErrGone
	}
	return s.judge("editing a message in Slack", err)
}

// post retries at once where another form of the same message is known to
// help: blocks that Slack dislikes, a thread whose root was deleted.
func (s *Slack) post(ctx context.Context, channel, thread string, m reports.Message) (string, error) {
	content := s.content(m)
	_, ref, err := s.api.PostMessageContext(ctx, channel, within(thread, content)...)
	if unfit(code(err)) {
		s.log.Error("Slack refused the blocks of a message", "channel", channel, "error", s.conceal(err))
		content = bare(m)
		_, ref, err = s.api.PostMessageContext(ctx, channel, within(thread, content)...)
	}
	if thread != "" && threadless(code(err)) {
		_, ref, err = s.api.PostMessageContext(ctx, channel, content...)
	}
	return ref, s.judge("sending a message to Slack", err)
}

func (s *Slack) content(m reports.Message) []slackgo.MsgOption {
	return append(quiet(),
		slackgo.MsgOptionText(Fallback(m), false),
		slackgo.MsgOptionBlocks(Render(m, s.bundle)...))
}

// bare is a message without blocks and buttons, better than none.
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

// clipEscaped keeps below the 4,000 characters at which Slack splits a text,
// ending at a line so that no escape is cut.
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

// quiet keeps Slack from visiting the addresses in a message and from showing
// what it found there.
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

// unfit says of a code that the blocks are at fault, not the chat.
func unfit(code string) bool {
	switch code {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long":
		return true
	}
	return false
}

// threadless says of a code that there is no answering in that thread.
func threadless(code string) bool {
	switch code {
	case "thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked",
		"restricted_action_non_threadable_channel":
		return true
	}
	return false
}

// direct says whether a channel is a direct message.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// One message a second per channel, short bursts tolerated:
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	perSecond = 1
	burst     = 3
	patience  = 3 * time.Second // longer waits are the outbox's
)

// newPace keeps each channel, by its id, within what Slack allows.
func newPace() *pace.Keyed[string] { return pace.New[string](perSecond, burst) }

// waitTurn holds a call back until its channel may take it. When that is long
// it does not wait but asks to come back.
func (s *Slack) waitTurn(ctx context.Context, channel string) error {
	turn := s.pace.Reserve(channel)
	delay := turn.Delay()
	if delay > patience {
		turn.Cancel()
		return &bot.RetryAfter{After: delay}
	}
	if err := pause(ctx, delay); err != nil {
		turn.Cancel()
		return err
	}
	return nil
}
