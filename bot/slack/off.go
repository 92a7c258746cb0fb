package slack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// watchful notes what Slack says of Socket Mode when it is asked for the address of a
// socket: with Socket Mode off it gives one all the same, and a warning, which the
// library does not pass on. Nothing that people say arrives then. Some have seen the
// warning while everything arrived, so it is no error.
type watchful struct {
	http.RoundTripper
	off *atomic.Bool
}

// RoundTrip makes a call.
func (w watchful) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.RoundTripper.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		OK       bool `json:"ok"`
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.OK {
		w.off.Store(slices.ContainsFunc(answer.Metadata.Messages, func(m string) bool { return strings.Contains(m, "Socket Mode is not turned on") }))
	}
	return response, nil
}

// SocketModeOff reports whether Slack said that Socket Mode is off when it was last
// asked for a socket, by TryTokens or Listen.
func (s *Slack) SocketModeOff() bool { return s.off.Load() }
