package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab"
	"domovoy/i18n"
)

// newcomer is a host with a panel and without Domovoy, below a prefix, with the two
// messengers of the laboratory.
type newcomer struct {
	*house
	prefix, binary, language string
	env                      []string // besides the usual
}

func newNewcomer(t *testing.T, language string) *newcomer {
	t.Helper()
	n := &newcomer{house: newHouse(t, settings{resolveAfter: 1}), language: language}
	n.prefix = filepath.Join(n.folder, "host")
	etc := filepath.Join(n.prefix, "usr/local/mgr5/etc")
	for _, folder := range []string{"usr/local/mgr5/etc/ispmgr.conf.d", "var/www/httpd-cert", "etc"} {
		n.must(os.MkdirAll(filepath.Join(n.prefix, folder), 0o755))
	}
	n.must(os.WriteFile(filepath.Join(etc, "ispmgr.conf.d/db.conf"), nil, 0o644))
	sample, err := lab.NewSample(etc, time.Now().UTC(), 3, lab.WithoutFiles())
	n.must(err)
	n.must(sample.Close())
	built, err := exec.LookPath(realProgram)
	n.must(err)
	n.binary = filepath.Join(n.folder, "domovoy")
	n.must(os.Link(built, n.binary))
	n.must(os.Chmod(filepath.Dir(n.folder), 0o755))
	n.give()
	n.config = filepath.Join(n.prefix, "etc/domovoy/config.yaml")
	return n
}

// give gives the host to the user who sets up, if that is not who tests.
func (n *newcomer) give() {
	n.Helper()
	if os.Geteuid() == 0 {
		n.must(filepath.WalkDir(n.folder, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, nobody, nobody))
		}))
	}
}

// command is the program as a user who is not root.
func (n *newcomer) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(n.Context(), n.binary, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TZ=UTC", "COLUMNS=1000", "HOME=" + n.folder, "LANG=" + map[string]string{"en": "en_US.UTF-8", "ru": "ru_RU.UTF-8"}[n.language]}
	cmd.Env = append(cmd.Env, n.env...)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// dialogue is a setup under way.
type dialogue struct {
	*newcomer
	cmd   *exec.Cmd
	in    io.WriteCloser
	told  *output
	ended chan error
	read  int // of what was told
}

// begin starts setup with its input on a pipe.
func (n *newcomer) begin(args ...string) *dialogue {
	n.Helper()
	d := &dialogue{newcomer: n, told: &output{}, ended: make(chan error, 1)}
	d.cmd = n.command(append([]string{"setup", "--prefix", n.prefix, "--telegram-api", n.telegram.URL(), "--slack-api", n.slack.APIURL()}, args...)...)
	in, err := d.cmd.StdinPipe()
	n.must(err)
	d.in, d.cmd.Stdout, d.cmd.Stderr = in, d.told, d.told
	n.must(d.cmd.Start())
	go func() { d.ended <- d.cmd.Wait() }()
	n.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// hears waits for a pattern in what was not read yet, and returns its first group.
func (d *dialogue) hears(pattern string) string {
	d.Helper()
	wanted := regexp.MustCompile(pattern)
	ctx, stop := context.WithTimeout(d.Context(), time.Minute)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text := d.told.String()
		if at := wanted.FindStringSubmatchIndex(text[d.read:]); at != nil {
			found := ""
			if len(at) > 2 {
				found = text[d.read+at[2] : d.read+at[3]]
			}
			d.read += at[1]
			return found
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.Fatalf("setup does not say %q:\n%s", pattern, text)
		}
	}
}

func (d *dialogue) answers(lines ...string) {
	d.Helper()
	for _, line := range lines {
		_, err := io.WriteString(d.in, line+"\n")
		d.must(err)
	}
}

// end waits for the end of setup.
func (d *dialogue) end() (status int) {
	d.Helper()
	_ = d.in.Close()
	select {
	case err := <-d.ended:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		d.must(err)
		return 0
	case <-time.After(60 * time.Second):
		d.Fatalf("setup does not end:\n%s", d.told)
		return 0
	}
}

// text is what a transcript has: without what differs between hosts and runs, and
// without the answer to status, which has tests of its own.
func (d *dialogue) text(code string) string {
	text, _, _ := strings.Cut(d.told.String(), "\n🔴 ")
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	who := "nobody"
	if os.Geteuid() != 0 {
		who = os.Getenv("USER")
	}
	text = strings.NewReplacer(d.prefix, "", d.binary, "domovoy", code, "K7Q2M9XD", d.telegram.Username(), "acme_domovoy_bot", host+": ", "isp1: ", host+" ", "isp1 ", " "+host+"\n", " isp1\n", who, "domovoy").Replace(text)
	text = regexp.MustCompile(`\(owner .*?\)`).ReplaceAllString(text, "(owner root, group root, -rw-r--r--)")
	return regexp.MustCompile(`\(владелец .*?\)`).ReplaceAllString(text, "(владелец root, группа root, -rw-r--r--)")
}

// says is a text of the catalog as a pattern, up to the first argument.
func (d *dialogue) says(key string, args ...i18n.Args) string {
	return strings.ReplaceAll(regexp.QuoteMeta(d.house.says(d.language, key, args...)), " ", `\s+`)
}

// Setup with a person who makes mistakes, in both languages; then the bot runs with
// what was written, and answers in both chats.
func TestSetup(t *testing.T) {
	for _, language := range []string{"en", "ru"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t, language)
			n.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops", Absent: true})
			n.telegram.Fail("sendChatAction", 1, botlab.Fault{Kind: botlab.Refuse, Text: "Bad Request: not enough rights to send text messages to the chat"})
			d := n.begin()
			code := d.talk()
			if status := d.end(); status != exitOK {
				t.Fatalf("status %d:\n%s", status, d.told)
			}
			golden(t, filepath.Join("testdata", "setup", language+".txt"), d.text(code))
			n.noTokenWasTold(d.told.String())
			n.lives()
			n.again()
			n.mends()
		})
	}
}

// talk gives the answers and says the codes; it returns the code.
func (d *dialogue) talk() string {
	d.hears(d.says("setup.telegram.head"))
	d.answers("hello", "1:wrong-token-of-nobody", d.telegram.Token())
	code := d.hears(`\?start=(\w+)`)
	d.hears(d.says("setup.waiting", i18n.Args{"Wait": "\x00"}))
	d.telegram.Say(stranger, 0, stranger, "Eve", "/start 12345678")
	d.hears(`telegram:99`)
	d.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
	d.hears(`telegram:42`)
	d.telegram.Say(group, topic, admin, "Ann", "/start@"+d.telegram.Username()+" "+code)
	d.hears(`telegram:-1001234567890/7`)
	d.hears(d.says("setup.slack.head"))
	d.answers("m", "xoxb-wrong", d.slack.BotToken(), "xapp-wrong", d.slack.AppToken())
	d.hears(`/domovoy ` + code)
	d.must(d.slack.WaitConnected(d.soon(), 1))
	d.slack.Slash(channel, ann, team, "/domovoy", code)
	d.hears(`not_in_channel`)
	d.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops"})
	d.hears(d.says("setup.plan.ask"))
	d.answers("")
	return code
}

// lives checks what was written, and that the bot runs with it.
func (n *newcomer) lives() {
	n.Helper()
	for name, mode := range map[string]fs.FileMode{"config.yaml": 0o640, "telegram.token": 0o600, "slack.bot": 0o600, "slack.app": 0o600} {
		info, err := os.Stat(filepath.Join(n.prefix, "etc/domovoy", name))
		n.must(err)
		if info.Mode().Perm() != mode {
			n.Errorf("%s has the mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
	n.inTelegram(group, n.says(n.language, "setup.here.title", i18n.Args{"Panels": "\x00"}))
	n.inSlack(n.says(n.language, "setup.here.title", i18n.Args{"Panels": "\x00"}))
	out, err := n.command("config", "check", "--offline", n.config).CombinedOutput()
	if err != nil {
		n.Errorf("config check: %v\n%s", err, out)
	}
	cmd := n.command("run", "--config", n.config)
	told := &output{}
	cmd.Stdout, cmd.Stderr = told, told
	n.must(cmd.Start())
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	n.must(n.telegram.WaitPolling(n.soon()))
	n.must(n.slack.WaitConnected(n.soon(), 1))
	metric := n.says(n.language, "metric.panel.processing")
	n.telegram.Say(group, topic, viewer, "Bob", "/status")
	_, err = n.telegram.WaitMessage(n.soon(), func(m botlab.TelegramMessage) bool { // the summary of the first reading is no answer
		return m.Chat == group && m.ReplyTo != 0 && strings.Contains(m.Text, metric+": ")
	})
	n.must(err)
	n.slack.Slash(channel, ann, team, "/domovoy", "status")
	n.inSlack(metric + ": ")
	answers := 0
	for _, m := range n.telegram.Messages(group) {
		if m.ReplyTo != 0 {
			answers++
		}
	}
	if answers != 1 {
		n.Errorf("%d answers in the group: the service has heard setup's code, too", answers)
	}
}

// A file of a secret that others may read is closed again, and nothing else is done.
func (n *newcomer) mends() {
	n.Helper()
	token := filepath.Join(n.prefix, "etc/domovoy/telegram.token")
	n.must(os.Chmod(token, 0o644))
	d := n.begin("--yes")
	d.answers("", "")
	if status := d.end(); status != exitOK || !strings.Contains(d.told.String(), "chmod 600 "+token) {
		n.Errorf("status %d:\n%s", status, d.told)
	}
	info, err := os.Stat(token)
	n.must(err)
	if info.Mode().Perm() != 0o600 {
		n.Errorf("the token's file has the mode %o", info.Mode().Perm())
	}
	if aside, _ := filepath.Glob(n.config + ".before-*"); len(aside) > 0 {
		n.Errorf("the configuration was written again: %q", aside)
	}
}

// again runs setup once more: Enter everywhere, and nothing changes.
func (n *newcomer) again() {
	n.Helper()
	before := n.everything()
	d := n.begin()
	d.answers("", "")
	d.hears(d.says("setup.plan.nothing"))
	if status := d.end(); status != exitOK {
		n.Errorf("status %d:\n%s", status, d.told)
	}
	if after := n.everything(); after != before {
		n.Errorf("the second run changed something:\n%s\nbefore:\n%s", after, before)
	}
}

// everything lists the files of the host with their texts, except the state.
func (n *newcomer) everything() string {
	n.Helper()
	var all strings.Builder
	n.must(filepath.WalkDir(n.prefix, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "/var/lib/") {
			return err
		}
		text, err := os.ReadFile(path)
		info, failed := d.Info()
		if err = errors.Join(err, failed); err == nil {
			fmt.Fprintf(&all, "%s %s %d %x\n", path, info.Mode(), len(text), info.ModTime().UnixNano())
		}
		return err
	}))
	return all.String()
}

// noTokenWasTold checks that the dialogue does not show secrets.
func (n *newcomer) noTokenWasTold(text string) {
	n.Helper()
	for _, token := range []string{n.telegram.Token(), n.slack.BotToken(), n.slack.AppToken()} {
		if strings.Contains(text, token) {
			n.Errorf("setup shows a token:\n%s", text)
		}
	}
}

// Somebody who does not answer to the end has changed nothing.
func TestSetupWithoutAnswers(t *testing.T) {
	n := newNewcomer(t, "en")
	before := n.everything()
	for _, c := range []struct {
		name  string
		lines []string
	}{
		{"nothing is said", nil},
		{"the token is refused, then the input ends", []string{"1:wrong-token-of-nobody"}},
		{"neither messenger", []string{"", ""}},
		{"the last answer is no", []string{n.telegram.Token(), "", "no"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := n.begin()
			d.newcomer = n
			for i, line := range c.lines {
				d.answers(line)
				if line == n.telegram.Token() && i == 0 {
					code := d.hears(`\?start=(\w+)`)
					n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
					n.telegram.Say(group, topic, admin, "Ann", "/start "+code)
				}
			}
			if status := d.end(); status != exitRefused || !strings.Contains(d.told.String(), n.says("en", "setup.unchanged")) {
				t.Errorf("status %d:\n%s", status, d.told)
			}
			if after := n.everything(); after != before {
				t.Errorf("something changed:\n%s", after)
			}
		})
	}
}

// With a file of answers nobody is asked, and no terminal is needed.
func TestSetupByAnswers(t *testing.T) {
	n := newNewcomer(t, "en")
	write := func(name, text string) {
		t.Helper()
		n.must(os.WriteFile(filepath.Join(n.folder, name), []byte(text), 0o600))
		n.give()
	}
	write("answers.yaml", `language: ru
timezone: Europe/Moscow
panel: {name: isp7}
telegram: {token_file: telegram, chat: "telegram:-1001234567890/7", admin: "telegram:42"}
slack: {bot_token_file: slack.bot, app_token_file: slack.app, chat: "slack:C0123456789", admin: "slack:T012345:U0123456"}
`)
	file := filepath.Join(n.folder, "answers.yaml")
	before := n.everything()
	d := n.begin("--answers", file, "--dry-run")
	if status := d.end(); status != exitOK || n.everything() != before || !strings.Contains(d.told.String(), "timezone: Europe/Moscow") {
		t.Errorf("a dry run: status %d\n%s", status, d.told)
	}
	d = n.begin("--answers", file)
	if status := d.end(); status != exitOK {
		t.Fatalf("status %d:\n%s", status, d.told)
	}
	n.language = "ru"
	n.lives()

	// A configuration that somebody edited keeps what they wrote.
	text, err := os.ReadFile(n.config)
	n.must(err)
	edited := strings.Replace(string(text), "chats:\n", "# our own\nthresholds:\n  failed: {critical: 7} # few\nchats:\n", 1)
	n.must(os.WriteFile(n.config, []byte(edited), 0o640))
	n.must(os.Chmod(n.config, 0o640))
	n.telegram.AddChat(botlab.Chat{ID: -1009, Title: "Второй"})
	write("more.yaml", `telegram: {token_file: telegram, chat: "telegram:-1009", admin: "telegram:43"}
`)
	d = n.begin("--answers", filepath.Join(n.folder, "more.yaml"))
	if status := d.end(); status != exitOK {
		t.Fatalf("status %d:\n%s", status, d.told)
	}
	text, err = os.ReadFile(n.config)
	n.must(err)
	for _, part := range []string{"# our own\nthresholds:\n  failed: {critical: 7} # few\n", `"telegram:-1001234567890/7"`, `"telegram:-1009"`, `"telegram:43"`, "slack.bot"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the configuration has not %q:\n%s", part, text)
		}
	}
	aside, err := filepath.Glob(n.config + ".before-*")
	n.must(err)
	if len(aside) != 1 {
		t.Errorf("the old configuration is kept as %q", aside)
	} else if was, err := os.ReadFile(aside[0]); err != nil || string(was) != edited {
		t.Errorf("what is kept of the old configuration: %v\n%s", err, was)
	}

	for name, c := range map[string]struct{ text, says string }{
		"an unknown key":     {"telegramm: {}", "telegramm"},
		"a token in plain":   {`telegram: {token: "1:x"}`, "token"},
		"no file of a token": {"telegram: {token_file: nowhere}", "nowhere"},
		"an id alone":        {`telegram: {token_file: telegram, chat: "-1001234567890", admin: "telegram:42"}`, "telegram.chat"},
		"another messenger":  {`slack: {bot_token_file: slack.bot, app_token_file: slack.app, chat: "slack:C0123456789", admin: "telegram:42"}`, "slack.admin"},
	} {
		write("bad.yaml", c.text+"\n")
		before := n.everything()
		d := n.begin("--answers", filepath.Join(n.folder, "bad.yaml"))
		if status := d.end(); status == exitOK || !strings.Contains(d.told.String(), c.says) || n.everything() != before {
			t.Errorf("%s: status %d\n%s", name, status, d.told)
		}
	}
}

// A panel that the service's user may not read is named with the commands that open it,
// and the rest is set up.
func TestSetupOfAClosedPanel(t *testing.T) {
	n := newNewcomer(t, "en")
	etc := filepath.Join(n.prefix, "usr/local/mgr5/etc")
	if os.Geteuid() == 0 {
		n.must(os.Lchown(etc, 0, 0))
		n.must(os.Chmod(etc, 0o750))
	} else {
		n.must(os.Chmod(etc, 0))
		t.Cleanup(func() { _ = os.Chmod(etc, 0o755) })
	}
	d := n.begin()
	d.hears(d.says("setup.rights.which"))
	d.answers("1", n.telegram.Token())
	code := d.hears(`\?start=(\w+)`)
	n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
	n.telegram.Say(group, topic, admin, "Ann", "/start "+code)
	d.answers("", "yes")
	if status := d.end(); status != exitRefused {
		t.Errorf("status %d, want %d", status, exitRefused)
	}
	for _, part := range []string{"setfacl -m u:", ":x " + etc, n.says("en", "setup.done.hand"), n.says("en", "setup.done.unread")} {
		if !strings.Contains(strings.Join(strings.Fields(d.told.String()), " "), part) {
			t.Errorf("setup does not say %q:\n%s", part, d.told)
		}
	}
}

// Root opens the panel to the service's user by access control lists, and hands the files
// over; a second run finds nothing to do, and one after the panel replaced its database
// opens it again.
func TestSetupAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can grant rights and give files away")
	}
	if _, err := exec.LookPath("setfacl"); err != nil {
		t.Skip("setfacl is not installed")
	}
	n := newNewcomer(t, "en")
	etc := filepath.Join(n.prefix, "usr/local/mgr5/etc")
	closed := func() {
		n.must(errors.Join(os.Lchown(etc, 0, 0), os.Chmod(etc, 0o750), os.Lchown(filepath.Join(etc, "ispmgr.db"), 0, 0), os.Chmod(filepath.Join(etc, "ispmgr.db"), 0o640)))
	}
	closed()
	file := filepath.Join(n.folder, "answers.yaml")
	n.must(os.WriteFile(file, []byte(`panel: {rights: acl}
telegram: {token_file: telegram, chat: "telegram:-1001234567890/7", admin: "telegram:42"}
`), 0o600))
	setUp := func() string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), n.binary, "setup", "--prefix", n.prefix, "--user", "nobody", "--answers", file, "--telegram-api", n.telegram.URL())
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/bin", "COLUMNS=1000", "LANG=en_US.UTF-8"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := setUp(); !strings.Contains(out, "setfacl -m u:nobody:x "+etc+"\n") || !strings.Contains(out, n.says("en", "metric.panel.processing")) {
		t.Errorf("the panel is not opened and read:\n%s", out)
	}
	for name, want := range map[string]uint32{"config.yaml": 0, "telegram.token": nobody} {
		info, err := os.Stat(filepath.Join(n.prefix, "etc/domovoy", name))
		n.must(err)
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", name, got, want)
		}
	}
	before := n.everything()
	if out := setUp(); !strings.Contains(out, n.says("en", "setup.plan.nothing")) || n.everything() != before {
		t.Errorf("the second run:\n%s", out)
	}
	database := filepath.Join(etc, "ispmgr.db")
	text, err := os.ReadFile(database)
	n.must(err)
	n.must(errors.Join(os.Remove(database), os.WriteFile(database, text, 0o640)))
	if out := setUp(); !strings.Contains(out, "setfacl -m u:nobody:r "+database) || !strings.Contains(out, n.says("en", "metric.panel.processing")) {
		t.Errorf("the replaced database is not opened:\n%s", out)
	}
}

// golden compares a text with a file; -update writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s differs (-update writes it):\n%s", path, strings.Join(differ(string(want), got), "\n"))
	}
}
