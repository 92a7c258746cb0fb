package boulder

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the largest request that Boulder reads, in bytes.
const maxBody = 50000

// call is one request in progress.
type call struct {
	*http.Request
	kind   Kind
	path   []string // the parts of the path after the kind's path
	body   []byte
	signed // zero for a GET
	header http.Header
}

// reply is a response.
type reply struct {
	status     int
	retryAfter time.Duration // zero: none
	mime       string        // empty: application/json
	body       []byte
}

// ServeHTTP does what a load balancer and Boulder's front end do, in the same
// order.
func (ca *CA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody+1)) // a truncated body is refused as invalid JSON
	c := &call{Request: r, body: body, header: w.Header()}
	c.kind, c.path = kindOf(r, payloadOf(body))
	entry := ca.log.open(Request{Kind: c.kind, URL: ca.url + r.URL.Path, From: r.RemoteAddr, At: ca.opts.Clock()})
	ca.tell(Moment{Request: *entry})
	ca.delay(r)
	fault := ca.faults.next(c.kind)
	answer := fault.before()
	if answer == nil && !ca.balancer.pass(r.URL.Path, ca.opts.Clock()) {
		answer = overloaded(time.Second)
	}
	if answer == nil {
		answer = ca.handle(c, fault)
	}
	ca.tell(Moment{Request: ca.log.close(entry, answer.status), Done: true})
	if fault.Kind == Drop {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	answer.write(w)
}

// tell calls the watcher.
func (ca *CA) tell(m Moment) {
	if ca.opts.Watch != nil {
		ca.opts.Watch(m)
	}
}

// delay waits for the CA's latency.
func (ca *CA) delay(r *http.Request) {
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

// handle is Boulder's part. Every response except to a GET has a nonce.
func (ca *CA) handle(c *call, fault Fault) *reply {
	if c.kind == KindOther {
		return &reply{status: http.StatusNotFound, mime: "text/plain; charset=utf-8", body: []byte("404 page not found\n")}
	}
	if c.Method != http.MethodGet || c.kind == KindNonce {
		c.header.Set("Replay-Nonce", ca.nonces.next())
	}
	if c.kind != KindDirectory {
		c.header.Add("Link", "<"+ca.Directory()+">;rel=\"index\"")
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	answer, p := ca.serve(c, fault)
	if p != nil {
		return refusal(p, c.header)
	}
	return answer
}

// serve verifies a signed request and processes it, with the model locked.
func (ca *CA) serve(c *call, fault Fault) (answer *reply, p *Problem) {
	switch c.Method {
	case http.MethodPost:
		if c.signed, p = ca.open(c.Request, c.body, c.kind == KindNewAccount); p != nil {
			return nil, p
		}
	case http.MethodGet, http.MethodHead: // Boulder requires no signature for reading
		if c.kind == KindNewAccount || c.kind == KindAccount || c.kind == KindNewOrder {
			return nil, methodNotAllowed()
		}
	default:
		return nil, methodNotAllowed()
	}
	if p := fault.instead(); p != nil {
		return nil, p
	}
	switch c.kind {
	case KindDirectory:
		answer = ca.serveDirectory()
	case KindNonce:
		answer = &reply{status: http.StatusOK}
	case KindNewAccount:
		answer, p = ca.serveNewAccount(c)
	case KindAccount:
		answer, p = serveAccount(c)
	case KindNewOrder:
		answer, p = ca.serveNewOrder(c)
	case KindOrder:
		answer, p = ca.serveOrder(c)
	default:
		answer, p = ca.serveAuthorization(c)
	}
	if fault.Kind == InternalButDone {
		return nil, serverInternal("Error deactivating authorization")
	}
	return answer, p
}

// serveDirectory adds a random key, so that clients do not rely on a fixed set
// of keys.
func (ca *CA) serveDirectory() *reply {
	return found(http.StatusOK, map[string]any{
		"newNonce": ca.url + "/acme/new-nonce", "newAccount": ca.url + "/acme/new-acct", "newOrder": ca.url + "/acme/new-order",
		"revokeCert": ca.url + "/acme/revoke-cert", "keyChange": ca.url + "/acme/key-change", "renewalInfo": ca.url + "/acme/renewal-info",
		newToken()[:11]: "https://community.letsencrypt.org/t/adding-random-entries-to-the-directory/33417",
		"meta":          map[string]any{"termsOfService": ca.url + "/terms/v7", "website": ca.url, "caaIdentities": []string{"letsencrypt.org"}},
	})
}

// accountDocument is an account as sent to clients. It has no list of orders:
// Boulder never had one.
type accountDocument struct {
	Key    any    `json:"key"`
	Status Status `json:"status"`
}

// serveNewAccount returns the account of a key (RFC 8555 section 7.3.1).
// Accounts are created by Register only.
func (ca *CA) serveNewAccount(c *call) (*reply, *Problem) {
	known := ca.model.keys[thumbprint(c.key)]
	if known == nil {
		return nil, NewProblem(http.StatusBadRequest, "accountDoesNotExist", "No account exists with the provided key")
	}
	c.header.Set("Location", ca.model.accountURL(known.id))
	return found(http.StatusOK, accountDocument{known.key, Valid}), nil
}

// serveAccount returns an account to the account itself.
func serveAccount(c *call) (*reply, *Problem) {
	if id, ok := c.number(0); !ok || id != c.account.id {
		return nil, unauthorized("Request signing key did not match account key")
	}
	return found(http.StatusOK, accountDocument{c.account.key, Valid}), nil
}

// authorizationDocument is an authorization as sent to clients. The asterisk of
// a wildcard is not part of its name here, although limits count it.
type authorizationDocument struct {
	Identifier identifier `json:"identifier"`
	Status     Status     `json:"status"`
	Expires    time.Time  `json:"expires"`
	Challenges []struct{} `json:"challenges"` // empty: nothing is validated by requests
	Wildcard   bool       `json:"wildcard,omitempty"`
}

// serveAuthorization returns an authorization, for which no signature is
// needed, or deactivates it (RFC 8555 sections 7.5 and 7.5.2).
func (ca *CA) serveAuthorization(c *call) (*reply, *Problem) {
	now := ca.opts.Clock()
	a, p := ca.authorizationAt(c, now)
	if p != nil {
		return nil, p
	}
	bare, wildcard := strings.CutPrefix(a.name, "*.")
	shown := authorizationDocument{identifier{"dns", bare}, a.status, a.expires, []struct{}{}, wildcard}
	if c.kind == KindDeactivate {
		var update struct{ Status Status }
		if json.Unmarshal(c.payload, &update) != nil || update.Status != Deactivated {
			return nil, malformed("Invalid status value")
		}
		ca.model.deactivate(a, now)
		shown.Status = Deactivated // whether or not it was changed
	}
	return found(http.StatusOK, shown), nil
}

// authorizationAt returns the authorization for a path, which consists of an
// account, which Boulder does not compare, and a number.
func (ca *CA) authorizationAt(c *call, now time.Time) (*authorization, *Problem) {
	if len(c.path) != 2 {
		return nil, notFound("No such authorization")
	}
	id, ok := c.number(1)
	if !ok {
		return nil, malformed("Invalid authorization ID")
	}
	a := ca.model.authorizations[id]
	switch {
	case a == nil:
		return nil, notFound("No such authorization")
	case a.expires.Before(now):
		return nil, notFound("Expired authorization")
	case c.account != nil && c.account.id != a.account:
		return nil, unauthorized("Account ID doesn't match ID for authorization")
	}
	return a, nil
}

// orderDocument is an order as sent to clients.
type orderDocument struct {
	Status         Status       `json:"status"`
	Expires        time.Time    `json:"expires"`
	Identifiers    []identifier `json:"identifiers"`
	Authorizations []string     `json:"authorizations"`
	Finalize       string       `json:"finalize"` // required, but it cannot be requested: see Issue
}

func (ca *CA) orderDocument(o *order) orderDocument {
	is := ca.model.order(o, ca.opts.Clock())
	d := orderDocument{Status: is.Status, Expires: is.Expires, Authorizations: is.Authorizations,
		Finalize: strings.Replace(is.URL, "/order/", "/finalize/", 1)}
	for _, name := range o.names {
		d.Identifiers = append(d.Identifiers, identifier{"dns", name})
	}
	return d
}

// serveNewOrder creates an order, or returns an existing one (RFC 8555 section
// 7.4).
func (ca *CA) serveNewOrder(c *call) (*reply, *Problem) {
	var asked struct{ Identifiers []identifier }
	if json.Unmarshal(c.payload, &asked) != nil || len(asked.Identifiers) == 0 {
		return nil, malformed("NewOrder request did not specify any identifiers")
	}
	var names []string
	for _, i := range asked.Identifiers {
		names = append(names, i.Value)
	}
	o, p := ca.model.newOrder(c.account.id, names, ca.opts.Clock())
	if p != nil {
		return nil, p
	}
	c.header.Set("Location", ca.model.orderURL(o))
	return found(http.StatusCreated, ca.orderDocument(o)), nil
}

// serveOrder returns an order, for which no signature is needed. Orders of
// another account and expired ones are not found.
func (ca *CA) serveOrder(c *call) (*reply, *Problem) {
	account, ok := c.number(0)
	id, also := c.number(1)
	if !ok || !also {
		return nil, malformed("Invalid order ID")
	}
	o := ca.model.orders[id]
	switch {
	case o == nil || o.expires.Before(ca.opts.Clock()):
		return nil, notFound("No order for ID %d", id)
	case o.account != account || c.account != nil && o.account != c.account.id:
		return nil, notFound("No order found for account ID %d", account)
	}
	return found(http.StatusOK, ca.orderDocument(o)), nil
}

// number parses a part of the path; false if it is not a number.
func (c *call) number(i int) (int64, bool) {
	if i >= len(c.path) {
		return 0, false
	}
	n, err := strconv.ParseInt(c.path[i], 10, 64)
	return n, err == nil
}

// payloadOf returns a request's payload before its signature is verified.
func payloadOf(body []byte) []byte {
	var shape struct {
		Payload string `json:"payload"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return nil
	}
	payload, _ := base64.RawURLEncoding.DecodeString(shape.Payload) // a payload that is not valid base64 is refused later
	return payload
}

// found is a successful response, encoded as by Boulder.
func found(status int, v any) *reply { return &reply{status: status, body: document(v)} }

// refusal is the response for a problem.
func refusal(p *Problem, header http.Header) *reply {
	wait := p.RetryAfter.Round(time.Second)
	if wait > 0 {
		header.Add("Link", `<https://letsencrypt.org/docs/rate-limits>;rel="help"`)
	}
	if p.Status == http.StatusInternalServerError {
		wait = time.Minute
	}
	return &reply{status: p.Status, retryAfter: wait, mime: "application/problem+json", body: document(p)}
}

func document(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(`{"detail": "Problem marshalling error message."}`)
	}
	return text
}

func (a *reply) write(w http.ResponseWriter) {
	if a.mime == "" {
		a.mime = "application/json"
	}
	w.Header().Set("Content-Type", a.mime)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(a.retryAfter.Seconds())))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have disconnected
}
