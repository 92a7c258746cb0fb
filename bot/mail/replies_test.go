package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// script is how a server answers: the reply to each command, by its first word;
// "." is the end of the data, "" the greeting. An empty reply closes the connection,
// a missing one is the usual.
type script map[string]string

func (s script) reply(word, usual string) string {
	if reply, ok := s[word]; ok {
		return reply
	}
	return usual
}

// serve talks as a server without STARTTLS. It records the commands.
func (s script) serve(conn net.Conn, commands chan<- string) {
	in := bufio.NewReader(conn)
	say := func(reply string) bool {
		_, err := io.WriteString(conn, reply+"\r\n")
		return reply != "" && err == nil
	}
	if !say(s.reply("", "220 ready")) {
		return
	}
	for data := false; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if data && word != "." {
			continue
		}
		commands <- word
		usual := map[string]string{"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250-localhost\r\n250 AUTH PLAIN LOGIN"}[word]
		if usual == "" {
			usual = "250 ok"
		}
		data = word == "DATA" && s.reply("DATA", usual) == usual
		if !say(s.reply(word, usual)) {
			return
		}
	}
}

// start runs the server, and returns its address and what it heard.
func (s script) start(t *testing.T) (address string, commands chan string) {
	t.Helper()
	commands = make(chan string, 100)
	return listen(t, func(conn net.Conn) { s.serve(conn, commands) }), commands
}

// open is a Mail that does not log in; on loopback it takes a server without
// STARTTLS.
func open(t *testing.T, server string) *Mail {
	t.Helper()
	m, err := New(Config{Server: server, From: "domovoy@hoster.example"}, bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestReplies shows what each reply at each point of the talk means to the outbox.
func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script script
		want   string
	}{
		{"all goes well", nil, "<nil>"},
		{"QUIT is not answered", script{"QUIT": ""}, "<nil>"},
		{"a full server", script{"": "421 too many connections"}, "unclear"},
		{"a server that takes no mail", script{"": "554 no service"}, "unclear"},
		{"a sender to be tried later", script{"MAIL": "451 try again"}, "unclear"},
		{"a sender that is refused", script{"MAIL": "550 5.7.1 not you"}, "token 550"},
		{"a message that is too large", script{"MAIL": "552 5.3.4 too large"}, "refused 552"},
		{"a full mailbox", script{"RCPT": "452 4.2.2 full"}, "unclear"},
		{"no such mailbox", script{"RCPT": "550 5.1.1 unknown"}, "permanent 550"},
		{"the connection ends before the data", script{"DATA": ""}, "unclear"},
		{"the text is refused", script{".": "554 5.7.1 spam"}, "refused 554"},
		{"the text is refused for now", script{".": "451 4.3.0 disk full"}, "unclear"},
		{"the answer to the text is lost", script{".": ""}, "unclear, may have arrived"},
		{"the answer to the text is no SMTP", script{".": "HTTP/1.1 502 Bad Gateway"}, "unclear, may have arrived"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, _ := tt.script.start(t)
			_, err := open(t, server).Send(t.Context(), duty(), "", alert())
			if got := meaning(err); got != tt.want {
				t.Errorf("it means %q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

// TestNoPlainPassword: an attacker who strips STARTTLS off the server's answer gets no
// password and no message.
func TestNoPlainPassword(t *testing.T) {
	server, commands := script{}.start(t)
	_, err := newMail(t, server, nil).Send(t.Context(), duty(), "", alert())
	if meaning(err) != "unclear" || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("got %v, want a retry that names STARTTLS", err)
	}
	close(commands)
	for word := range commands {
		if word != "EHLO" && word != "QUIT" {
			t.Errorf("the server was sent %s", word)
		}
	}
}

// TestOnlyLoopbackIsTrusted: STARTTLS may be missing on this host only.
func TestOnlyLoopbackIsTrusted(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true,
		"mail.example.com": false, "localhost.example.com": false, "203.0.113.10": false, "0.0.0.0": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("%s: %t, want %t", host, got, want)
		}
	}
}

// TestImplicitTLS: on the port of SMTP over TLS nothing is said in the clear.
func TestImplicitTLS(t *testing.T) {
	ca, commands := newCA(t), make(chan string, 100)
	config := &tls.Config{Certificates: []tls.Certificate{*issued(t, ca, "localhost")}}
	server := listen(t, func(conn net.Conn) {
		script{"AUTH": "235 welcome"}.serve(tls.Server(conn, config), commands)
	})
	m := newMail(t, server, ca.Roots())
	m.implicit = true
	if _, err := m.Send(t.Context(), duty(), "", alert()); err != nil {
		t.Fatal(err)
	}
	close(commands)
	var talk []string
	for word := range commands {
		talk = append(talk, word)
	}
	if got, want := strings.Join(talk, " "), "EHLO AUTH MAIL RCPT DATA . QUIT"; !strings.HasPrefix(want, got) || len(got) < len(want)-5 {
		t.Errorf("the talk was %q, want %q", got, want)
	}
}

// TestAHungServer: the sending ends with its context, at whatever point the server
// falls silent.
func TestAHungServer(t *testing.T) {
	for _, point := range []string{"greeting", "data", "quit"} {
		t.Run(point, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			server := listen(t, func(conn net.Conn) {
				commands := make(chan string, 100)
				switch point {
				case "greeting":
					cancel()
					_, _ = io.Copy(io.Discard, conn) // until the client hangs up
				case "data":
					script{".": "421 never said"}.serve(&cutting{Conn: conn, at: "421", cut: cancel}, commands)
				case "quit": // nobody cancels: the message has arrived
					script{}.serve(&cutting{Conn: conn, at: "221", cut: func() {}}, commands)
				}
			})
			_, err := open(t, server).Send(ctx, duty(), "", alert())
			if want := map[string]string{"greeting": "unclear", "data": "unclear, may have arrived", "quit": "<nil>"}[point]; meaning(err) != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// cutting swallows what begins with a text, calls cut instead, and waits until the
// other side hangs up.
type cutting struct {
	net.Conn
	at  string
	cut func()
}

func (c *cutting) Write(p []byte) (int, error) {
	if !strings.HasPrefix(string(p), c.at) {
		return c.Conn.Write(p)
	}
	c.cut()
	_, _ = io.Copy(io.Discard, c.Conn)
	return 0, errors.New("hung up")
}
