package main

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// says runs the program as somebody who is not root until it has said something that
// fits the pattern, or has ended.
func (h *host) says(pattern *regexp.Regexp, args ...string) string {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), h.binary, append(args, "--config", h.config)...)
	cmd.Env = []string{"LANG=" + map[string]string{"en": "C.UTF-8", "ru": "ru_RU.UTF-8"}[h.language]}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	h.must(cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	enough := time.After(30 * time.Second)
	for !pattern.MatchString(said.String()) {
		select {
		case <-ended:
			return said.String()
		case <-enough:
			h.must(cmd.Process.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		h.must(err)
	}
	<-ended
	return said.String()
}

// TestTheLogNamesTheCure runs the bot on hosts of which one thing is broken: the log
// says which file it is, whose, and what mends it, in the user's language.
func TestTheLogNamesTheCure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil  func(h *host)
		args   []string
		en, ru string
	}{
		"a wrong Telegram token": {func(h *host) { h.write("telegram", "123456:AAFakeFakeFakeFakeFakeFake", 0o600) }, []string{"run"},
			`cure="Telegram refuses the token \(Unauthorized\)\. Write .* into \x00/telegram \(telegram\.token_file, is read again`, `cure="Telegram не принимает токен .* запишите в \x00/telegram`},
		"a wrong Slack token": {func(h *host) { h.write("slack.bot", "xoxb-1-fake", 0o600) }, []string{"run"},
			`cure="Slack refuses the token \(invalid_auth\)\. .* into \x00/slack\.bot \(slack\.bot_token_file.* \x00/slack\.app \(slack\.app_token_file`, `cure="Slack не принимает токен .*\x00/slack\.bot`},
		"a panel's database is closed": {func(h *host) { h.give(); h.take("ispmgr.db", 0o600) }, []string{"run"},
			`cure="\S+ may not read \x00/ispmgr\.db \(owner .*setfacl -m u:\S+:r \x00/ispmgr\.db"`, `cure="Пользователь \S+ не может читать \x00/ispmgr\.db .*setfacl`},
		"the state is root's": {func(h *host) { h.write("state/domovoy.db", "", 0o600); h.give(); h.take("state/domovoy.db", 0o600) }, []string{"run"},
			`domovoy: \S+ may not write \x00/state/domovoy\.db \(owner \S+, mode -[rwx-]+: permission denied\)\. Give it back: chown -R \S+: \x00/state,`, `domovoy: Пользователь \S+ не может писать в \x00/state/domovoy\.db \(владелец .*chown -R`},
		"ask finds the state root's": {func(h *host) { h.write("state/domovoy.db", "", 0o600); h.give(); h.take("state/domovoy.db", 0o600) }, []string{"ask", "status"},
			`domovoy: \S+ may not write .*chown -R`, `domovoy: Пользователь \S+ не может писать`},
		"ask finds the panel closed": {func(h *host) { h.give(); h.take("ispmgr.db", 0o600) }, []string{"ask", "status"},
			`cure="\S+ may not read \x00/ispmgr\.db .*setfacl`, `cure="Пользователь \S+ не может читать`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.change(h.ca, "https://127.0.0.1:9/directory") // run takes https only
			h.give()
			c.spoil(h)
			says := map[string]string{"en": c.en, "ru": c.ru}
			for _, language := range []string{"en", "ru", "en"} { // the last two know from the state what was wrong before
				h.language = language
				pattern := regexp.MustCompile(strings.ReplaceAll(says[language], `\x00`, regexp.QuoteMeta(h.folder)))
				said := h.says(pattern, c.args...)
				if !pattern.MatchString(said) {
					t.Errorf("want %s\n%s", pattern, said)
				}
				for _, token := range []string{h.telegram.Token(), h.slack.BotToken(), h.slack.AppToken()} {
					if strings.Contains(said, token) {
						t.Error("a token is printed")
					}
				}
			}
		})
	}
}
