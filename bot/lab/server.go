// Package lab serves the two chat APIs on loopback, enforcing their limits.
package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"
)

// The servers use the real protocols (Telegram's Bot API over HTTP, Slack's Web API
// over HTTP with Socket Mode over WebSocket) and refuse what the real ones refuse.
// They are written from the public documentation and import nothing else of this
// module, so that they are an independent test of it. Where the lab is stricter
// than the real service, a comment says so.

// server is an HTTP server on a free port of loopback, or of a Network. Its close waits for everything
// that it started: requests, connections and goroutines.
type server struct {
	http *http.Server
	url  string          // "http://127.0.0.1:port", no slash at the end
	done <-chan struct{} // closed when close begins
	stop context.CancelFunc

	mu     sync.Mutex // guards closed, and orders spawn against close
	closed bool
	work   sync.WaitGroup
}

// listen opens a free port, of loopback where no network is given; requests are
// answered from serve on.
func listen(in *Network) (*server, net.Listener, error) {
	var listener net.Listener
	var err error
	if in != nil {
		listener = in.listen()
	} else if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("listening on loopback: %w", err)
	}
	base, stop := context.WithCancel(context.Background())
	s := &server{
		url:  "http://" + listener.Addr().String(),
		done: base.Done(),
		stop: stop,
	}
	s.http = &http.Server{
		BaseContext: func(net.Listener) context.Context { return base },
		ConnState:   s.count,
		ErrorLog:    log.New(io.Discard, "", 0), // faulty clients are expected here
	}
	return s, listener, nil
}

func (s *server) serve(listener net.Listener, handler http.Handler) {
	s.http.Handler = handler
	s.work.Go(func() { _ = s.http.Serve(listener) }) // always ErrServerClosed
}

// count keeps close waiting for each connection. StateNew is reported by the
// accepting goroutine, which is counted itself, so Add never races with Wait.
func (s *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	}
}

// spawn runs f in a goroutine that close waits for; f must end when done is
// closed. It reports false, and runs nothing, once the server is closing.
func (s *server) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

// hold keeps close waiting until release is called. Only a request may hold:
// its connection is counted, so this never races with Wait.
func (s *server) hold() (release func()) {
	s.work.Add(1)
	return s.work.Done
}

// close ends all requests and connections, and returns when they have ended.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	_ = s.http.Close() // the error for a listener that is closed already
	s.work.Wait()
}

// front is the common part of both APIs: the server, the log of calls, the faults.
type front struct {
	*server
	calls  callLog
	faults faultList
}

// reply is an HTTP response.
type reply struct {
	status     int
	retryAfter int // seconds, for the Retry-After header; 0 sends none
	mime       string
	body       []byte
	problem    string // for the log of calls
}

// exchange is one call with the functions that answer and refuse it.
type exchange struct {
	method string
	params map[string]string
	refuse func(Fault) reply
	inside func() bool // nil: there is no window that it could come in
	run    func(context.Context) reply
}

// handle logs a call and answers it, or lets it fail as the next fault says.
func (f *front) handle(w http.ResponseWriter, r *http.Request, x exchange) {
	call := f.calls.open(Call{Method: x.method, Params: x.params, At: time.Now(), Inside: x.inside != nil && x.inside()})
	var answer reply
	switch fault := f.faults.next(x.method, x.params); fault.Kind {
	case 0:
		answer = x.run(r.Context())
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Drop:
		x.run(r.Context())
		panic(http.ErrAbortHandler) // closes the connection without a response
	case Reset:
		x.run(r.Context())
		reset(w)
		panic(http.ErrAbortHandler)
	case Late:
		answer = x.run(r.Context())
		timer := time.NewTimer(fault.After)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	case Twice:
		answer = x.run(r.Context())
		f.calls.close(call, answer.status, answer.problem)
		answer.twice(w)
		return
	case Cut:
		f.calls.close(call, http.StatusOK, "cut")
		x.run(r.Context()).cut(w)
		panic(http.ErrAbortHandler)
	case BadGateway:
		answer = page(http.StatusBadGateway)
	case Gateway:
		x.run(r.Context())
		answer = page(http.StatusBadGateway)
	case Page:
		answer = page(cmp.Or(fault.Status, http.StatusForbidden))
	default:
		answer = x.refuse(fault)
	}
	f.calls.close(call, answer.status, answer.problem)
	answer.write(w)
}

// page is what nginx shows for a status.
func page(status int) reply {
	title := fmt.Sprint(status, " ", http.StatusText(status))
	return reply{status: status, mime: "text/html", problem: title, body: fmt.Appendf(nil, "<html>\r\n<head><title>%[1]s</title></head>\r\n"+
		"<body>\r\n<center><h1>%[1]s</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", title)}
}

// cut sends the first half of an answer; its caller closes the connection.
func (a reply) cut(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.mime)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush() // the client may have disconnected
}

// twice writes an answer two times on its connection, and closes that.
func (a reply) twice(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for range 2 {
		fmt.Fprintf(buffered, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			a.status, http.StatusText(a.status), a.mime, len(a.body), a.body)
	}
	_ = buffered.Flush() // the client may have disconnected
}

// reset makes the end of a connection a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (a reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.mime)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have disconnected
}

// Close closes all connections and waits for everything that the server started.
func (f *front) Close() { f.close() }

// Calls lists the calls of a method, refused ones too, in order of arrival; of all
// methods when it is empty.
func (f *front) Calls(method string) []Call { return f.calls.list(method) }

// WaitCalls waits until n calls of a method have arrived in all, and returns them.
func (f *front) WaitCalls(ctx context.Context, method string, n int) ([]Call, error) {
	return f.calls.wait(ctx, method, n)
}

// Fail makes the next n calls of a method (empty: of any method) fail.
func (f *front) Fail(method string, n int, fault Fault) { f.faults.add(method, n, fault) }

// maxBody is a little more than the largest upload either API takes (50 MB).
const maxBody = 60 << 20

// File is an uploaded file.
type File struct {
	Name string
	Data []byte
}

// request is the decoded body of a call, whatever its encoding.
type request struct {
	params map[string]string
	files  map[string]File // by form field
}

// readRequest reads parameters from the query and from form, multipart and JSON bodies,
// as both APIs do.
func readRequest(w http.ResponseWriter, r *http.Request) (request, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	q := request{params: map[string]string{}, files: map[string]File{}}
	for name, values := range r.URL.Query() {
		q.params[name] = values[0]
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // empty: a call without a body
	var err error
	switch kind {
	case "application/json":
		err = q.readJSON(r.Body)
	case "multipart/form-data":
		err = q.readMultipart(r)
	case "application/octet-stream":
		err = q.readRaw(r.Body)
	default:
		err = q.readForm(r)
	}
	if err != nil {
		return request{}, fmt.Errorf("reading %s body: %w", kind, err)
	}
	return q, nil
}

func (q *request) readForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	for name, values := range r.Form {
		q.params[name] = values[0]
	}
	return nil
}

func (q *request) readJSON(body io.Reader) error {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for name, raw := range fields {
		var text string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &text) == nil:
			q.params[name] = text
		default:
			q.params[name] = string(raw)
		}
	}
	return nil
}

func (q *request) readMultipart(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := q.readPart(part); err != nil {
			return err
		}
	}
}

// readRaw reads a body of another type as a file without field and name.
func (q *request) readRaw(body io.Reader) error {
	data, err := io.ReadAll(body)
	q.files[""] = File{Data: data}
	return err
}

func (q *request) readPart(part *multipart.Part) error {
	data, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	if part.FileName() == "" {
		q.params[part.FormName()] = string(data)
		return nil
	}
	q.files[part.FormName()] = File{Name: part.FileName(), Data: data}
	return nil
}

// units counts UTF-16 code units, which both services seem to do: the strictest
// reading of "characters".
func units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
