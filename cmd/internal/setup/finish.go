package setup

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"domovoy/bot"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
)

// finish says how the service runs. Of an agent it shows the panel; of a bot it says in each new chat that the bot is here, and shows what it sees.
func (s *session) finish(ctx context.Context, cfg *config.Config) error {
	if s.systemd() {
		s.talk.say("setup.done.started")
	} else {
		s.talk.say("setup.done.start", i18n.Args{"User": s.account.name, "Prefix": s.Prefix != ""})
		s.talk.indent(command{args: []string{s.Program, "run", "--config", s.Config}}.String())
	}
	if s.isAgent() {
		return s.finishAgent(ctx, cfg)
	}
	for _, p := range s.draft.parts {
		for _, c := range p.chats {
			s.greet(ctx, p.messenger, c, cfg)
		}
	}
	s.talk.print("")
	return s.status(ctx, cfg)
}

// greet says in a chat that the bot is here.
func (s *session) greet(ctx context.Context, m bot.Messenger, c config.Chat, cfg *config.Config) {
	l := s.Bundle.Locale(c.Language, cfg.Timezone)
	var panels []string
	for _, p := range cfg.Panels {
		panels = append(panels, p.Name)
	}
	message := reports.Message{Language: l.Language(), Title: l.Say("setup.here.title", i18n.Args{"Panels": panels}),
		Sections: []reports.Section{{Text: l.Say("setup.here.text", i18n.Args{"Slack": c.To.Messenger == slackName})}}}
	_, err := m.Send(ctx, c.To, "", message)
	if moved, ok := errors.AsType[*bot.Moved](err); ok { // since it was tried
		s.talk.say("setup.here.moved", i18n.Args{"Chat": c.To, "To": moved.To, "File": s.Config})
		c.To = moved.To
		_, err = m.Send(ctx, c.To, "", message)
	}
	if err != nil {
		s.talk.say("setup.here.failed", i18n.Args{"Chat": c.To, "Error": reasonOf(err)})
		return
	}
	s.talk.say("setup.here.sent", i18n.Args{"Chat": c.To})
}

// status shows the answer of the service's user to "status": it reads the panel as the
// service does.
func (s *session) status(ctx context.Context, cfg *config.Config) error {
	cmd := exec.CommandContext(ctx, itself, "ask", "--config", s.Config, "--lang", s.talk.l.Language(), "status")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=" + s.talk.l.Language() + "_XX.UTF-8", "NO_COLOR=1", "COLUMNS=" + strconv.Itoa(s.talk.width)}
	cmd.Dir = "/"
	if as := findAccount(s.account.name); as.exists() {
		become(cmd, as, s.draft.able || s.isAble())
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	s.talk.print(withoutButtons(string(out)))
	if err != nil {
		s.talk.print(strings.TrimRight(log.String(), "\n"))
	}
	ok, failed := s.lookAtAll(ctx, cfg, func(l line) bool { return l.Bad })
	if err != nil || failed != nil || !ok {
		s.talk.say("setup.done.unread")
		return ErrFailed
	}
	return nil
}

// withoutButtons is an answer of the console without its numbered buttons.
func withoutButtons(answer string) string {
	var kept []string
	for line := range strings.SplitSeq(strings.TrimRight(answer, "\n"), "\n") {
		if !strings.HasPrefix(line, "  [") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
