package lab_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"domovoy/bot/lab"
)

// dialSocket opens a Socket Mode connection by hand.
func dialSocket(t *testing.T, server *lab.Slack) *websocket.Conn {
	t.Helper()
	_, answer := call(t, server.APIURL()+"apps.connections.open", server.AppToken(), params{})
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), answer["url"].(string), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func readType(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	var message struct{ Type, Reason string }
	if err := conn.ReadJSON(&message); err != nil {
		t.Fatal(err)
	}
	return message.Type + message.Reason
}

func TestSocketsPing(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{PingEvery: time.Millisecond})
	conn := dialSocket(t, server)
	pinged := make(chan struct{}, 1)
	conn.SetPingHandler(func(string) error {
		select {
		case pinged <- struct{}{}:
		default:
		}
		return nil
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	<-pinged
	server.Close()
	<-ended
}

func TestTicketsAreGoodForOneUse(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	_, answer := call(t, server.APIURL()+"apps.connections.open", server.AppToken(), params{})
	url := answer["url"].(string)
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := readType(t, conn); got != "hello" {
		t.Errorf("first message %q", got)
	}
	if again, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil); err == nil {
		again.Close()
		t.Error("the ticket worked twice")
	}
}

func TestTenSocketsAreEnough(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	for range 10 {
		if got := readType(t, dialSocket(t, server)); got != "hello" {
			t.Fatalf("got %q", got)
		}
	}
	if got := readType(t, dialSocket(t, server)); got != "disconnecttoo_many_websockets" {
		t.Errorf("eleventh: %q", got)
	}
}

func TestEnvelopesGoToOneSocketEach(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	a, b := dialSocket(t, server), dialSocket(t, server)
	readType(t, a)
	readType(t, b)
	server.Slash("C1", "U1", "T012345", "/domovoy", "status")
	server.Slash("C1", "U1", "T012345", "/domovoy", "limits")
	if got := readType(t, a) + " " + readType(t, b); got != "slash_commands slash_commands" {
		t.Errorf("got %q", got)
	}
	if err := server.SendRaw("{broken"); err != nil {
		t.Error(err)
	}
	if _, frame, err := a.ReadMessage(); err != nil || string(frame) != "{broken" {
		t.Errorf("%q, %v", frame, err)
	}
}

func TestEventsWithoutASocketComeAsRetries(t *testing.T) {
	server := newSlack(t, lab.SlackOptions{})
	server.Slash("C1", "U1", "T012345", "/domovoy", "status") // lost: commands are not retried
	server.Mention("C1", "U1", "status", "")
	conn := dialSocket(t, server)
	readType(t, conn)
	var event struct {
		Type    string
		Attempt int `json:"retry_attempt"`
	}
	if err := conn.ReadJSON(&event); err != nil || event.Type != "events_api" || event.Attempt != 1 {
		t.Errorf("%+v, %v", event, err)
	}
}
