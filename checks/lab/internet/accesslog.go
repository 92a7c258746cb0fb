package internet

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Visit is one line of an access log.
type Visit struct {
	From   string // the address
	At     time.Time
	Path   string
	Status int
	Bytes  int
	Agent  string
}

// String writes it in nginx's format "combined".
func (v Visit) String() string {
	agent := v.Agent
	if agent == "" {
		agent = "-"
	}
	return fmt.Sprintf(`%s - - [%s] "GET %s HTTP/1.1" %d %d "-" "%s"`,
		v.From, v.At.Format("02/Jan/2006:15:04:05 -0700"), v.Path, v.Status, v.Bytes, strings.ReplaceAll(agent, `"`, `\x22`))
}

// accessLog writes down who came.
type accessLog struct {
	mu  sync.Mutex
	out io.Writer // nil: nobody keeps a log
}

func (l *accessLog) to(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = out
}

// around serves, then writes the line.
func (l *accessLog) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &countedResponse{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			from, _, _ := net.SplitHostPort(r.RemoteAddr)
			v := Visit{From: from, At: time.Now(), Path: r.URL.RequestURI(), Status: counted.status, Bytes: counted.bytes, Agent: r.UserAgent()}
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.out != nil {
				_, _ = fmt.Fprintln(l.out, v) // a log that cannot be written stops no server
			}
		}()
		next.ServeHTTP(counted, r)
	})
}

// countedResponse notes the status and the length of an answer.
type countedResponse struct {
	http.ResponseWriter
	status, bytes int
}

// WriteHeader notes the status.
func (c *countedResponse) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write notes the length.
func (c *countedResponse) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController through.
func (c *countedResponse) Unwrap() http.ResponseWriter { return c.ResponseWriter }
