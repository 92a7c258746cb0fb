package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is the running program.
type child struct {
	*house
	cmd   *exec.Cmd
	told  *output
	ended chan error
}

// output collects a program's output.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs the bot and waits until both messengers listen.
func (h *house) start() *child {
	h.Helper()
	c := h.launch()
	running, cancel := context.WithCancel(h.soon())
	defer cancel()
	go func() { // one that ended would never listen
		select {
		case err := <-c.ended:
			c.ended <- err
			cancel()
		case <-running.Done():
		}
	}()
	for _, err := range []error{h.telegram.WaitPolling(running), h.slack.WaitConnected(running, 1)} {
		if err != nil {
			h.Fatalf("the program does not listen: %v", err)
		}
	}
	return c
}

// launch starts the bot without waiting.
func (h *house) launch() *child { h.Helper(); return h.launchBy() }

// launchBy starts the bot by another program, whose last arguments are the
// bot's.
func (h *house) launchBy(by ...string) *child {
	h.Helper()
	program, err := exec.LookPath(realProgram) // another program looks elsewhere
	h.must(err)
	line := append(by, program, "run", "-v", "--config", h.config)
	c := &child{house: h, cmd: exec.Command(line[0], line[1:]...), told: &output{}, ended: make(chan error, 1)}
	c.cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + h.folder}
	c.cmd.Stdout, c.cmd.Stderr = c.told, c.told
	h.must(c.cmd.Start())
	go func() { c.ended <- c.cmd.Wait() }()
	h.Cleanup(func() {
		if h.Failed() && c.cmd.Process.Signal(syscall.SIGQUIT) == nil { // where it hangs is part of what it says
			select {
			case <-c.ended:
			case <-time.After(5 * time.Second):
			}
		}
		_ = c.cmd.Process.Kill() // it may have ended
		if h.Failed() {
			h.Logf("the program said:\n%s", c.told)
		}
	})
	return c
}

// end waits until the program has ended.
func (c *child) end() error {
	c.Helper()
	promised := 5 * time.Second
	if raceDetector {
		promised *= 3 // it takes several times as long for everything
	}
	ctx, cancel := context.WithTimeout(c.Context(), promised)
	defer cancel()
	select {
	case err := <-c.ended:
		c.silent()
		return err
	case <-ctx.Done():
		c.Fatalf("the program still runs after %s\n%s", promised, c.told)
		return nil
	}
}

// stop ends the program as systemd does.
func (c *child) stop() {
	c.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGTERM))
	if err := c.end(); err != nil {
		c.Errorf("after SIGTERM: %v", err)
	}
}

// kill ends the program without warning, like a power failure.
func (c *child) kill() {
	c.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGKILL))
	_ = c.end() // the error is the signal
}

// silent checks that the output contains no token.
func (c *child) silent() {
	c.Helper()
	said := c.told.String()
	for what, text := range map[string]string{
		"the token of Telegram": c.telegram.Token(), "the bot token of Slack": c.slack.BotToken(), "the app token of Slack": c.slack.AppToken(),
		"a dump": "goroutine ", "a data race": "DATA RACE", "a panic": "panic:",
	} {
		if strings.Contains(said, text) {
			c.Errorf("the output has %s:\n%s", what, said)
		}
	}
}

// A bot that is stopped at any moment ends well, and says nothing that somebody should
// look at: neither a warning nor an error.
func TestACleanStopIsQuiet(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	rounds := 6
	if long(t) {
		rounds = 60
	}
	for range rounds {
		c := h.launch()
		after := rand.N(2500 * time.Millisecond)
		select {
		case err := <-c.ended:
			t.Fatalf("it ended by itself: %v\n%s", err, c.told)
		case <-time.After(after):
		}
		c.must(c.cmd.Process.Signal(syscall.SIGTERM))
		if err := c.end(); err != nil && c.told.String() != "" { // before anything it ends by the signal
			t.Errorf("stopped after %s: %v", after, err)
		}
		if loud := regexp.MustCompile(`(?m)^.*level=(WARN|ERROR).*$`).FindAllString(c.told.String(), -1); loud != nil {
			t.Errorf("stopped after %s it says:\n%s", after, strings.Join(loud, "\n"))
		}
	}
}

// A second copy on the same state file is refused.
func TestASecondCopyIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	first := h.start()
	second := h.launch()
	err := second.end()
	if err == nil || second.cmd.ProcessState.ExitCode() != exitRefused || !strings.Contains(second.told.String(), "another domovoy is already using this state file") {
		t.Errorf("the second copy: %v\n%s", err, second.told)
	}
	// The first is not affected, and a question is answered while it runs.
	ask := exec.Command(realProgram, "ask", "--config", h.config, "whoami")
	if out, err := ask.CombinedOutput(); err != nil || !strings.Contains(string(out), "local:") {
		t.Errorf("ask beside run: %v\n%s", err, out)
	}
	first.stop()
	// Its lock ended with it.
	h.start().stop()
}
