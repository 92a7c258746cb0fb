package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets   = 10              // per app
	writeTimeout = 5 * time.Second // a client that does not read is disconnected
	closeTimeout = 2 * time.Second // for the client to close after a disconnect message
)

// socketBoard is the state of Socket Mode.
type socketBoard struct {
	off       bool            // in the app's settings
	tickets   map[string]bool // of URLs given out and not yet used
	open      []*socket
	turn      int // each envelope goes to one socket, in turn
	made      int // numbers tickets and envelopes
	envelopes []*delivery
}

func newSocketBoard() socketBoard {
	return socketBoard{tickets: map[string]bool{}}
}

// socket is one WebSocket. Messages are written with its lock held; control frames
// need no lock.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex
	gone chan struct{} // closed when reading has ended
}

func (k *socket) write(message any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return k.conn.WriteJSON(message)
}

func (s *Slack) openConnection(context.Context, request) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.made++
	ticket := fmt.Sprintf("ticket%d", s.sockets.made)
	s.sockets.tickets[ticket] = true
	answer := object{"url": "ws" + strings.TrimPrefix(s.url, "http") + "/link/" + ticket}
	if s.sockets.off { // seen of Slack, and not in its documentation
		answer["response_metadata"] = object{"messages": []string{"[WARN] Socket Mode is not turned on."}}
	}
	return answer, nil
}

// SetSocketMode switches Socket Mode on or off in the app's settings. While it is off,
// Slack opens sockets all the same, says so in the answer that has the address, and
// sends nothing.
func (s *Slack) SetSocketMode(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.off = !on
}

// serveSocket runs one WebSocket until either side leaves.
func (s *Slack) serveSocket(w http.ResponseWriter, r *http.Request) {
	defer s.hold()()
	s.mu.Lock()
	valid := s.sockets.tickets[r.PathValue("ticket")]
	delete(s.sockets.tickets, r.PathValue("ticket")) // good for one use
	s.mu.Unlock()
	if !valid {
		http.Error(w, "unknown ticket", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // clients say https://api.slack.com
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer conn.Close()
	k := &socket{conn: conn, gone: make(chan struct{})}
	defer close(k.gone)
	if !s.spawn(func() { s.ping(k) }) {
		return
	}
	if !s.join(k) {
		_ = k.write(disconnectMessage("too_many_websockets"))
		return
	}
	defer s.leave(k)
	s.retryUndelivered()
	s.read(k)
}

// join sends hello and adds the socket to those that receive envelopes.
func (s *Slack) join(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets.open) >= maxSockets {
		return false
	}
	hello := object{
		"type": "hello", "num_connections": len(s.sockets.open) + 1,
		"connection_info": object{"app_id": labApp},
		"debug_info":      object{"host": "lab", "approximate_connection_time": 18060},
	}
	if k.write(hello) == nil { // else the read fails at once
		s.sockets.open = append(s.sockets.open, k)
		s.changed.send()
	}
	return true
}

func (s *Slack) leave(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.open = slices.DeleteFunc(s.sockets.open, func(o *socket) bool { return o == k })
	s.changed.send()
}

// ping sends pings, and closes the connection when the server closes.
func (s *Slack) ping(k *socket) {
	ticker := time.NewTicker(s.options.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = k.conn.WriteControl(websocket.PingMessage, []byte("Ping from lab"), time.Now().Add(writeTimeout))
		case <-k.gone:
			return
		case <-s.done:
			_ = k.conn.Close()
			return
		}
	}
}

// read receives acks until the connection ends and ignores anything else.
func (s *Slack) read(k *socket) {
	for {
		_, frame, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			Envelope string          `json:"envelope_id"`
			Payload  json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(frame, &ack) == nil && ack.Envelope != "" {
			s.acked(ack.Envelope, ack.Payload, len(frame))
		}
	}
}

func disconnectMessage(reason string) object {
	return object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "lab"}}
}

// Disconnect asks all clients to reconnect, as Slack does every few hours;
// the reason is "refresh_requested", "warning" or "link_disabled".
func (s *Slack) Disconnect(reason string) error {
	var failed error
	for _, k := range s.takeSockets() {
		failed = errors.Join(failed, k.write(disconnectMessage(reason)))
		_ = k.conn.WriteControl(websocket.CloseMessage,
			websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(writeTimeout))
		_ = k.conn.SetReadDeadline(time.Now().Add(closeTimeout)) // closing at once could lose messages
	}
	return failed
}

// Cut resets all connections.
func (s *Slack) Cut() {
	for _, k := range s.takeSockets() {
		if tcp, ok := k.conn.NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset instead of an orderly close
		}
		_ = k.conn.NetConn().Close()
	}
}

// takeSockets empties the list, so that nothing more is sent there.
func (s *Slack) takeSockets() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.sockets.open
	s.sockets.open = nil
	s.changed.send()
	return open
}

// SendRaw sends a frame of any content to all clients.
func (s *Slack) SendRaw(frame string) error {
	s.mu.Lock()
	open := slices.Clone(s.sockets.open)
	s.mu.Unlock()
	var failed error
	for _, k := range open {
		k.mu.Lock()
		failed = errors.Join(failed, k.conn.WriteMessage(websocket.TextMessage, []byte(frame)))
		k.mu.Unlock()
	}
	return failed
}

// WaitConnected waits until n sockets are open.
func (s *Slack) WaitConnected(ctx context.Context, n int) error {
	open, err := await(ctx, &s.changed, func() (int, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.sockets.open), len(s.sockets.open) == n
	})
	if err != nil {
		return fmt.Errorf("waiting for %d sockets, last seen %d: %w", n, open, err)
	}
	return nil
}
