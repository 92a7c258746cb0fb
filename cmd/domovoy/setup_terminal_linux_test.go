package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal opens a pseudo-terminal of so many columns (pty(7)).
func openTerminal(t *testing.T, columns uint16) (screen, inside *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("SKIPPED: no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	if err := unix.IoctlSetWinsize(int(inside.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return screen, inside
}

// sits starts setup with a person at a terminal, whose language it has to ask for if
// the host has none.
func (n *newcomer) sits(columns uint16, args ...string) (d *dialogue, inside *os.File) {
	n.Helper()
	screen, inside := openTerminal(n.T, columns)
	d = &dialogue{newcomer: n, told: &output{}, in: screen, ended: make(chan error, 1)}
	d.cmd = n.command(append([]string{"setup", "--prefix", n.prefix, "--telegram-api", n.telegram.URL(), "--slack-api", n.slack.APIURL()}, args...)...)
	for i, value := range d.cmd.Env {
		if strings.HasPrefix(value, "COLUMNS=") {
			d.cmd.Env[i] = "TERM=xterm"
		}
	}
	if d.cmd.SysProcAttr == nil {
		d.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	d.cmd.SysProcAttr.Setsid, d.cmd.SysProcAttr.Setctty = true, true // so that Ctrl-C is a signal
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = inside, inside, inside
	n.must(d.cmd.Start())
	go func() {
		for buffer := make([]byte, 4096); ; {
			read, err := screen.Read(buffer)
			if err != nil {
				return
			}
			_, _ = d.told.Write(buffer[:read])
		}
	}()
	go func() { d.ended <- d.cmd.Wait() }()
	n.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d, inside
}

// leaves waits for the end of a setup at a terminal.
func (d *dialogue) leaves() int {
	d.Helper()
	err := <-d.ended
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Wait returns it as it is
		return exit.ExitCode()
	}
	d.must(err)
	return 0
}

// Ctrl-C and the end of the input leave at each question: nothing was changed, and the
// terminal shows again what is typed.
func TestSetupIsLeft(t *testing.T) {
	n := newNewcomer(t, "")
	before := n.everything()
	token := func(d *dialogue) string {
		d.hears(`\[en\]`)
		d.answers("")
		d.hears("Token")
		d.answers(n.telegram.Token())
		return d.hears(`\?start=(\w+)`)
	}
	waits := func(d *dialogue) string {
		code := token(d)
		d.hears("Waiting")
		return code
	}
	slackToken := func(d *dialogue) {
		code := waits(d)
		d.must(n.telegram.WaitPolling(d.soon()))
		n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
		d.hears(`telegram:42`)
		n.telegram.Say(group, topic, admin, "Ann", "/start "+code)
		d.hears(`Bot token`)
	}
	for _, key := range []struct{ name, press string }{{"Ctrl-C", "\x03"}, {"Ctrl-D", "\x04"}} {
		for _, question := range []struct {
			name string
			talk func(d *dialogue)
		}{
			{"the language", func(d *dialogue) { d.hears(`\[en\]`) }},
			{"the token", func(d *dialogue) { d.hears(`\[en\]`); d.answers(""); d.hears("Token") }},
			{"the code", func(d *dialogue) { waits(d) }},
			{"Slack’s token", slackToken},
			{"Slack’s other token", func(d *dialogue) { slackToken(d); d.answers(n.slack.BotToken()); d.hears("App token") }},
			{"the last question", func(d *dialogue) { slackToken(d); d.answers(""); d.hears("Do it") }},
		} {
			t.Run(key.name+" at "+question.name, func(t *testing.T) {
				d, inside := n.sits(80)
				question.talk(d)
				if _, err := d.in.Write([]byte(key.press)); err != nil {
					t.Fatal(err)
				}
				d.hears(n.says("en", "setup.unchanged"))
				if status := d.leaves(); status != exitRefused {
					t.Errorf("status %d\n%s", status, d.told)
				}
				if after := n.everything(); after != before {
					t.Errorf("something changed:\n%s", after)
				}
				mode, err := unix.IoctlGetTermios(int(inside.Fd()), unix.TCGETS)
				if err != nil || mode.Lflag&unix.ECHO == 0 {
					t.Errorf("the terminal does not show what is typed (%v)", err)
				}
				n.noTokenWasTold(d.told.String())
			})
		}
	}
}

// In a terminal of 40 columns no line is longer, but for links, paths and commands.
func TestSetupInANarrowTerminal(t *testing.T) {
	const columns = 40
	for _, language := range []string{"en", "ru"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t, language)
			d, _ := n.sits(columns)
			d.hears(d.says("setup.telegram.head"))
			d.answers("nonsense", n.telegram.Token())
			code := d.hears(`\?start=(\w+)`)
			d.hears(d.says("setup.waiting", map[string]any{"Wait": "\x00"}))
			n.telegram.Say(admin, 0, admin, "Ann", "/start "+code)
			d.hears(`telegram:42`)
			n.telegram.Say(group, topic, admin, "Ann", "/start@"+n.telegram.Username()+" "+code)
			d.hears(d.says("setup.slack.head"))
			d.answers(n.slack.BotToken(), n.slack.AppToken())
			d.must(n.slack.WaitConnected(d.soon(), 1))
			n.slack.Slash(channel, ann, team, "/domovoy", code)
			d.hears(d.says("setup.plan.ask"))
			d.answers("")
			if status := d.leaves(); status != exitOK {
				t.Errorf("status %d\n%s", status, d.told)
			}
			text := strings.ReplaceAll(d.told.String(), "\r\n", "\n")
			text, _, _ = strings.Cut(text, "\n🔴 ") // the answer to status has tests of its own
			unbreakable := regexp.MustCompile(`https?://|` + regexp.QuoteMeta(n.folder) + `|domovoy_lab_bot|\(\d{4}\)`)
			for line := range strings.Lines(text) {
				if width := utf8.RuneCountInString(strings.TrimRight(line, " \n")); width > columns && !unbreakable.MatchString(line) {
					t.Errorf("%d columns: %s", width, line)
				}
			}
			n.noTokenWasTold(text)
			golden(t, filepath.Join("testdata", "setup", "narrow."+language+".txt"), d.text(code))
		})
	}
}
