package boulder

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxBody is Boulder's largest request.
const maxBody = 50000

// call is one request on its way through the CA.
type call struct {
	*http.Request
	kind   Kind
	below  []string // the parts of the path after the kind's
	body   []byte
	signed // zero for a GET
	header http.Header
}

// reply is one answer.
type reply struct {
	status     int
	retryAfter time.Duration // zero: none
	mime       string        // empty: application/json
	body       []byte
	problem    string // for the log
}

// ServeHTTP does what a load balancer and Boulder's front end do, in their order.
func (ca *CA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody+1)) // what is cut off is no JSON any more
	c := &call{Request: r, body: body, header: w.Header()}
	c.kind, c.below = kindOf(r, peek(body))
	entry := ca.log.open(Request{Kind: c.kind, Method: r.Method, URL: ca.url + r.URL.Path, At: ca.opts.Clock()})
	ca.tell(Moment{Request: *entry})
	ca.dawdle(r)
	fault := ca.faults.next(c.kind)
	answer := fault.before(r)
	if answer == nil && !ca.front.pass(r.URL.Path, ca.opts.Clock()) {
		answer = overloaded(time.Second)
	}
	if answer == nil {
		answer = ca.handle(c, fault)
	}
	var account int64
	if c.account != nil {
		account = c.account.id
	}
	done := ca.log.close(entry, account, answer.status, answer.problem)
	ca.tell(Moment{Request: done, Done: true})
	if fault.Kind == Drop {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	answer.write(w)
}

// handle is Boulder's part.
func (ca *CA) handle(c *call, fault Fault) *reply {
	route, known := ca.routes()[c.kind]
	if !known {
		return &reply{status: http.StatusNotFound, mime: "text/plain; charset=utf-8", body: []byte("404 page not found\n"), problem: "404"}
	}
	if c.Method != http.MethodGet || c.kind == KindNonce {
		c.header.Set("Replay-Nonce", ca.nonces.next())
	}
	if c.kind != KindDirectory {
		c.header.Add("Link", "<"+ca.Directory()+">;rel=\"index\"")
	}
	c.header.Set("Cache-Control", "public, max-age=0, no-cache")
	if !slices.Contains(route.methods, c.Method) {
		return refusal(methodNotAllowed(), c.header)
	}
	if c.Method == http.MethodPost && c.kind != KindUnpause {
		var p *Problem
		if c.signed, p = ca.open(c.Request, c.body, c.kind == KindNewAccount); p != nil {
			return refusal(p, c.header)
		}
	}
	if c.account != nil {
		c.header.Set("Boulder-Requester", strconv.FormatInt(c.account.id, 10))
	}
	if p := fault.instead(); p != nil {
		return refusal(p, c.header)
	}
	answer := route.run(c)
	if fault.Kind == InternalButDone {
		return refusal(serverInternal("Error deactivating authorization"), c.header)
	}
	return answer
}

// refusal is the answer that a problem makes.
func refusal(p *Problem, header http.Header) *reply {
	wait := p.RetryAfter.Round(time.Second)
	if wait > 0 {
		header.Add("Link", `<https://letsencrypt.org/docs/rate-limits>;rel="help"`)
	}
	if p.Status == http.StatusInternalServerError {
		wait = time.Minute
	}
	return &reply{status: p.Status, retryAfter: wait, mime: "application/problem+json", body: document(p), problem: p.Detail}
}

// document writes JSON as Boulder does: indented, without escapes for HTML.
func document(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(`{"detail": "Problem marshalling error message."}`)
	}
	return text
}

// found is an answer that gives something.
func found(status int, v any) *reply { return &reply{status: status, body: document(v)} }

func (a *reply) write(w http.ResponseWriter) {
	if a.mime == "" {
		a.mime = "application/json"
	}
	w.Header().Set("Content-Type", a.mime)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(a.retryAfter.Seconds())))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that left is no error of the CA
}

// tell lets the watcher know.
func (ca *CA) tell(m Moment) {
	if ca.opts.Watch != nil {
		ca.opts.Watch(m)
	}
}

// dawdle takes the time that a request takes.
func (ca *CA) dawdle(r *http.Request) {
	if ca.opts.Latency <= 0 {
		return
	}
	wait := time.NewTimer(ca.opts.Latency)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// peek reads a request's payload before anybody knows whether it is well signed.
func peek(body []byte) []byte {
	var shape struct {
		Payload string `json:"payload"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return nil
	}
	payload, _ := base64.RawURLEncoding.DecodeString(shape.Payload) // what is no base64 is found out later
	return payload
}
