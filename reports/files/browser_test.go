package files

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program returns the path of one of the programs. If there is none, the test
// is skipped, or fails where everything must run.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("none of %v is installed", names)
	}
	t.Skipf("SKIPPED: none of %v is installed", names)
	return ""
}

// browser is a page of Chromium, controlled by its DevTools protocol through a
// pipe, so that no port is needed.
type browser struct {
	*testing.T
	to       io.Writer
	from     *bufio.Reader
	session  string
	last     int
	loaded   int
	requests []string // every address that the page requested
}

// message is a message of the protocol.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// browse starts Chromium with a profile of its own and an empty page.
func browse(t *testing.T) *browser {
	t.Helper()
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	toRead, toWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromRead, fromWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(), "--remote-debugging-pipe"}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses to start as root without it
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = new(bytes.Buffer)                 // all its children inherit it, so Wait waits for them too
	cmd.ExtraFiles = []*os.File{toRead, fromWrite} // it reads from 3 and writes to 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = toRead.Close(), fromWrite.Close()
	b := &browser{T: t, to: toWrite, from: bufio.NewReader(fromRead)}
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil)
		_, _ = io.Copy(io.Discard, b.from) // until the process ends
		_ = cmd.Wait()
		cancel()
		_, _ = toWrite.Close(), fromRead.Close()
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Network", "Runtime"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) send(method string, params any) {
	b.last++
	line, err := json.Marshal(message{ID: b.last, Session: b.session, Method: method, Params: params})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.to.Write(append(line, 0)); err != nil {
		b.Logf("the browser does not listen: %v", err)
	}
}

// receive reads one message, and records its contents.
func (b *browser) receive() message {
	b.Helper()
	line, err := b.from.ReadBytes(0)
	if err != nil {
		b.Fatalf("the browser is gone: %v", err)
	}
	var m struct {
		message
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(line[:len(line)-1], &m); err != nil {
		b.Fatal(err)
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		if err := json.Unmarshal(m.Params, &p); err != nil {
			b.Fatal(err)
		}
		b.requests = append(b.requests, p.Request.URL)
	case "Page.loadEventFired":
		b.loaded++
	}
	return m.message
}

func (b *browser) call(method string, params, result any) {
	b.Helper()
	b.send(method, params)
	for {
		m := b.receive()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
}

// open shows a file as on a screen of the given width, and waits until it is
// loaded.
func (b *browser) open(file string, width int, scheme string) {
	b.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.loaded = 0
	b.call("Page.navigate", map[string]any{"url": "file://" + filepath.ToSlash(file)}, nil)
	for b.loaded == 0 {
		b.receive()
	}
}

// eval runs a script on the page and returns its result.
func eval[T any](b *browser, script string) T {
	b.Helper()
	var answer struct {
		Result struct{ Value T }

		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.Fatalf("%s: %s", script, answer.ExceptionDetails)
	}
	return answer.Result.Value
}

// keep saves a picture, or a print, of the whole page as a file.
func (b *browser) keep(name string) []byte {
	b.Helper()
	var shot struct{ Data string }
	if strings.HasSuffix(name, ".pdf") {
		b.call("Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": false}, &shot)
	} else {
		b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	}
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.ArtifactDir(), name), data, 0o600); err != nil {
		b.Fatal(err)
	}
	return data
}
