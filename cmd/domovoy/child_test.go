package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is the real program, running.
type child struct {
	*house
	cmd   *exec.Cmd
	told  *output
	ended chan error
}

// output collects what a program writes.
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
	go func() { // one that ended will never listen
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

// launch runs the bot and waits for nothing.
func (h *house) launch() *child {
	h.Helper()
	c := &child{house: h, cmd: exec.Command(realProgram, "run", "-v", "--config", h.config), told: &output{}, ended: make(chan error, 1)}
	c.cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + h.folder}
	c.cmd.Stdout, c.cmd.Stderr = c.told, c.told
	h.must(c.cmd.Start())
	go func() { c.ended <- c.cmd.Wait() }()
	h.Cleanup(func() {
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
	ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
	defer cancel()
	select {
	case err := <-c.ended:
		c.silent()
		return err
	case <-ctx.Done():
		c.Fatalf("the program still runs after five seconds\n%s", c.told)
		return nil
	}
}

// stop asks the program to end, as systemd does.
func (c *child) stop() {
	c.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGTERM))
	if err := c.end(); err != nil {
		c.Errorf("after SIGTERM: %v", err)
	}
}

// kill ends the program as a power cut does.
func (c *child) kill() {
	c.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGKILL))
	_ = c.end() // by the signal
}

// silent checks what must never be in the output.
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

// The second copy on the same state is told that there is a first one.
func TestASecondCopyIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	first := h.start()
	second := h.launch()
	err := second.end()
	if err == nil || second.cmd.ProcessState.ExitCode() != exitRefused || !strings.Contains(second.told.String(), "another domovoy is already running") {
		t.Errorf("the second copy: %v\n%s", err, second.told)
	}
	// The first is not disturbed, and a question beside it is answered.
	ask := exec.Command(realProgram, "ask", "--config", h.config, "whoami")
	if out, err := ask.CombinedOutput(); err != nil || !strings.Contains(string(out), "local:") {
		t.Errorf("ask beside run: %v\n%s", err, out)
	}
	first.stop()
	// Its lock went with it.
	h.start().stop()
}
