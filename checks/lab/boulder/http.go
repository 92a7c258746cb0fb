package boulder

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
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

// route says how a kind of request is answered.
type route struct {
	methods []string
	run     func(*call) *reply
}

func (ca *CA) routes() map[Kind]route {
	post := []string{http.MethodPost}
	read := []string{http.MethodGet, http.MethodHead, http.MethodPost}
	return map[Kind]route{
		KindDirectory:   {read, ca.serveDirectory},
		KindNonce:       {read, serveNonce},
		KindNewAccount:  {post, ca.serveNewAccount},
		KindAccount:     {post, ca.serveAccount},
		KindNewOrder:    {post, ca.serveNewOrder},
		KindOrder:       {read, ca.serveOrder},
		KindRead:        {read, ca.serveAuthorization},
		KindDeactivate:  {post, ca.serveAuthorization},
		KindChallenge:   {read, ca.serveChallenge},
		KindFinalize:    {post, ca.serveFinalize},
		KindCertificate: {read, ca.serveCertificate},
		KindRenewal:     {[]string{http.MethodGet, http.MethodHead}, ca.serveRenewal},
		KindUnpause:     {read, ca.serveUnpause},
	}
}

// serveDirectory has a key at random, so that no client relies on the others being all.
func (ca *CA) serveDirectory(*call) *reply {
	profiles := map[string]string{}
	for name := range ca.opts.Profiles {
		if name != "" {
			profiles[name] = "https://letsencrypt.org/docs/profiles#" + name
		}
	}
	return found(http.StatusOK, map[string]any{
		"newNonce": ca.url + "/acme/new-nonce", "newAccount": ca.url + "/acme/new-acct", "newOrder": ca.url + "/acme/new-order",
		"revokeCert": ca.url + "/acme/revoke-cert", "keyChange": ca.url + "/acme/key-change", "renewalInfo": ca.url + "/acme/renewal-info",
		newToken()[:11]: "https://community.letsencrypt.org/t/adding-random-entries-to-the-directory/33417",
		"meta":          map[string]any{"termsOfService": ca.url + "/terms/v7", "website": ca.url, "caaIdentities": []string{"letsencrypt.org"}, "profiles": profiles},
	})
}

// serveNonce gives nothing but the header that every answer to a POST has as well.
func serveNonce(c *call) *reply {
	if c.Method == http.MethodGet {
		return &reply{status: http.StatusNoContent}
	}
	return &reply{status: http.StatusOK}
}

// serveUnpause is the page that lifts pauses: a GET shows a button, pressing it is a POST.
func (ca *CA) serveUnpause(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	now := ca.opts.Clock()
	account := redeem(c.URL.Query().Get("jwt"), now)
	page := "<html><body>Invalid unpause URL</body></html>"
	switch {
	case account != 0 && c.Method == http.MethodPost:
		page = "<html><body>Unpaused " + strconv.Itoa(ca.model.lift(account, now)) + " identifiers</body></html>"
	case account != 0:
		page = "<html><body><form method=\"POST\"><button>Please Unpause My Account</button></form></body></html>"
	}
	return &reply{status: http.StatusOK, mime: "text/html", body: []byte(page)}
}

// serveRenewal tells when a certificate is best renewed (RFC 9773 section 4.1); nobody has to sign.
func (ca *CA) serveRenewal(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	cert := ca.model.certificates[fromARI(c.below[0])]
	if cert == nil {
		return refusal(notFound("Certificate not found"), c.header)
	}
	start, end := cert.window()
	answer := found(http.StatusOK, map[string]any{"suggestedWindow": map[string]time.Time{"start": start, "end": end}})
	answer.retryAfter = 6 * time.Hour
	return answer
}

// decode reads a payload; false when it is not what it should be.
func decode(payload []byte, v any) bool { return json.Unmarshal(payload, v) == nil }

// number reads a part of a path; false when it is none.
func (c *call) number(i int) (int64, bool) {
	if i >= len(c.below) {
		return 0, false
	}
	n, err := strconv.ParseInt(c.below[i], 10, 64)
	return n, err == nil
}

// accountDocument is what a client sees of an account. It has no orders: Boulder never had such a list.
type accountDocument struct {
	Key       *jose.JSONWebKey `json:"key"`
	CreatedAt time.Time        `json:"createdAt"`
	Status    Status           `json:"status"`
}

func (a *account) document() accountDocument { return accountDocument{a.key, a.created, a.status} }

// serveNewAccount finds the account of a key, or makes one (RFC 8555 section 7.3).
func (ca *CA) serveNewAccount(c *call) *reply {
	var asked struct {
		Agreed   bool `json:"termsOfServiceAgreed"`
		Existing bool `json:"onlyReturnExisting"`
	}
	if !decode(c.payload, &asked) {
		return refusal(malformed("Error unmarshaling JSON"), c.header)
	}
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.keys[thumbprint(c.key)]; known != nil {
		if known.status != Valid {
			return refusal(unauthorized("An account with the provided public key exists but is %s", known.status), c.header)
		}
		return ca.gave(c, http.StatusOK, known)
	}
	if asked.Existing {
		return refusal(NewProblem(http.StatusBadRequest, "accountDoesNotExist", "No account exists with the provided key"), c.header)
	}
	if !asked.Agreed {
		return refusal(malformed("must agree to terms of service"), c.header)
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr) // an address that is none is one address
	key := bucketKey{limit: NewRegistrations, subject: host}
	if v := m.buckets.ask(ca.opts.Limits[NewRegistrations], key, now); !v.allowed {
		return refusal(m.refused(v, now), c.header)
	}
	m.buckets.take(ca.opts.Limits[NewRegistrations], key, now)
	return ca.gave(c, http.StatusCreated, m.register(c.key.Key, now))
}

// gave answers with an account and its URL.
func (ca *CA) gave(c *call, status int, a *account) *reply {
	c.header.Set("Location", ca.accountURL(a.id))
	c.header.Set("Boulder-Requester", strconv.FormatInt(a.id, 10))
	return found(status, a.document())
}

// serveAccount reads an account, or deactivates it (RFC 8555 section 7.3.6).
func (ca *CA) serveAccount(c *call) *reply {
	id, ok := c.number(0)
	switch {
	case !ok:
		return refusal(malformed("Account ID must be an integer, was %q", c.below[0]), c.header)
	case id != c.account.id:
		return refusal(unauthorized("Request signing key did not match account key"), c.header)
	}
	var update struct {
		Status Status `json:"status"`
	}
	if len(c.payload) > 0 && !decode(c.payload, &update) {
		return refusal(malformed("parsing account update request").under("Unable to update account"), c.header)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	switch update.Status {
	case "", Valid:
	case Deactivated:
		c.account.status = Deactivated
	default:
		return refusal(malformed("invalid status %q for account update request, must be %q or %q", update.Status, Valid, Deactivated).
			under("Unable to update account"), c.header)
	}
	return found(http.StatusOK, c.account.document())
}

// orderDocument is what a client sees of an order.
type orderDocument struct {
	Status         Status       `json:"status"`
	Expires        time.Time    `json:"expires"`
	Identifiers    []identifier `json:"identifiers"`
	Authorizations []string     `json:"authorizations"`
	Finalize       string       `json:"finalize"`
	Profile        string       `json:"profile,omitempty"`
	Certificate    string       `json:"certificate,omitempty"`
	Error          *Problem     `json:"error,omitempty"`
	Replaces       string       `json:"replaces,omitempty"`
}

func (ca *CA) orderDocument(o *order) orderDocument {
	d := orderDocument{Status: o.status(ca.opts.Clock()), Expires: o.expires, Profile: o.profile, Error: o.failure, Replaces: o.replaces,
		Finalize: ca.numbered("/acme/finalize/", o.account, o.id)}
	for _, name := range o.names {
		d.Identifiers = append(d.Identifiers, identifier{"dns", name})
	}
	for _, a := range o.authorizations {
		d.Authorizations = append(d.Authorizations, ca.authorizationURL(a.account, a.id))
	}
	if o.certificate != nil {
		d.Certificate = ca.url + "/acme/cert/" + serialText(o.certificate.serial)
	}
	return d
}

// serveNewOrder makes an order, or finds one (RFC 8555 section 7.4).
func (ca *CA) serveNewOrder(c *call) *reply {
	var asked struct {
		Identifiers         []identifier
		NotBefore, NotAfter string
		Profile, Replaces   string
	}
	if !decode(c.payload, &asked) {
		return refusal(malformed("Unable to unmarshal NewOrder request body"), c.header)
	}
	if len(asked.Identifiers) == 0 {
		return refusal(malformed("NewOrder request did not specify any identifiers"), c.header)
	}
	if asked.NotBefore != "" || asked.NotAfter != "" {
		return refusal(malformed("NotBefore and NotAfter are not supported"), c.header)
	}
	wish := Wish{Profile: asked.Profile, Replaces: asked.Replaces}
	for _, i := range asked.Identifiers {
		if i.Type != "dns" { // IP addresses are beyond this lab
			p := NewProblem(http.StatusBadRequest, "unsupportedIdentifier",
				`NewOrder request included unsupported identifier: type "`+i.Type+`", value "`+i.Value+`"`)
			return refusal(p, c.header)
		}
		wish.Names = append(wish.Names, i.Value)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, p := ca.model.newOrder(c.account, wish, ca.opts.Clock())
	if p != nil {
		return refusal(p, c.header)
	}
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusCreated, ca.orderDocument(o))
}

// serveOrder reads an order; nobody has to sign for it. Another's, and one
// that is over, are not found.
func (ca *CA) serveOrder(c *call) *reply {
	if c.Method == http.MethodPost && len(c.payload) > 0 {
		return refusal(malformed("POST-as-GET requests must have an empty payload").under("Unable to validate JWS"), c.header)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, p := ca.orderAt(c)
	if p != nil {
		return refusal(p, c.header)
	}
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusOK, ca.orderDocument(o))
}

// orderAt finds the order that a path names.
func (ca *CA) orderAt(c *call) (*order, *Problem) {
	account, ok := c.number(0)
	if !ok {
		return nil, malformed("Invalid account ID")
	}
	id, ok := c.number(1)
	if !ok {
		return nil, malformed("Invalid order ID")
	}
	o := ca.model.orders[id]
	switch {
	case o == nil || o.expires.Before(ca.opts.Clock()):
		return nil, notFound("No order for ID %d", id)
	case o.account != account || c.account != nil && o.account != c.account.id:
		return nil, notFound("No order found for account ID %d", account)
	}
	return o, nil
}

// authorizationDocument is what a client sees of an authorization. A
// wildcard's star is no part of its name here, though limits count it.
type authorizationDocument struct {
	Identifier identifier          `json:"identifier"`
	Status     Status              `json:"status"`
	Expires    time.Time           `json:"expires"`
	Challenges []challengeDocument `json:"challenges"`
	Wildcard   bool                `json:"wildcard,omitempty"`
}

func (ca *CA) authorizationDocument(a *authorization) authorizationDocument {
	bare, wildcard := strings.CutPrefix(a.name, "*.")
	d := authorizationDocument{Identifier: identifier{"dns", bare}, Status: a.status, Expires: a.expires, Wildcard: wildcard}
	for _, kind := range a.challenges() {
		d.Challenges = append(d.Challenges, ca.challengeDocument(a, kind))
	}
	return d
}

// serveAuthorization reads an authorization, for which nobody has to sign, or
// deactivates it (RFC 8555 sections 7.5 and 7.5.2).
func (ca *CA) serveAuthorization(c *call) *reply {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	a, p := ca.authorizationAt(c.below)
	if p != nil {
		return refusal(p, c.header)
	}
	if c.account != nil && c.account.id != a.account {
		return refusal(unauthorized("Account ID doesn't match ID for authorization"), c.header)
	}
	shown := ca.authorizationDocument(a)
	if len(c.payload) > 0 {
		var update struct{ Status Status }
		if !decode(c.payload, &update) {
			return refusal(malformed("Error unmarshaling JSON"), c.header)
		}
		if update.Status != Deactivated {
			return refusal(malformed("Invalid status value"), c.header)
		}
		m.deactivate(a, now)
		shown.Status = Deactivated // whether or not it became so
	}
	return found(http.StatusOK, shown)
}

// authorizationAt finds the authorization that a path names: an account, which
// is not looked at, and a number.
func (ca *CA) authorizationAt(path []string) (*authorization, *Problem) {
	if len(path) != 2 {
		return nil, notFound("No such authorization")
	}
	id, err := strconv.ParseInt(path[1], 10, 64)
	if err != nil {
		return nil, malformed("Invalid authorization ID")
	}
	a := ca.model.authorizations[id]
	switch {
	case a == nil:
		return nil, notFound("No such authorization")
	case a.expires.Before(ca.opts.Clock()):
		return nil, notFound("Expired authorization")
	}
	return a, nil
}

// challengeDocument is what a client sees of a challenge.
type challengeDocument struct {
	Type      string     `json:"type"`
	URL       string     `json:"url"`
	Status    Status     `json:"status"`
	Validated *time.Time `json:"validated,omitempty"`
	Error     *Problem   `json:"error,omitempty"`
	Token     string     `json:"token"`
}

// challenges are the ways in which an authorization can be won; a wildcard has one.
func (a *authorization) challenges() []string {
	if strings.HasPrefix(a.name, "*.") {
		return []string{"dns-01"}
	}
	return []string{"http-01", "dns-01", "tls-alpn-01"}
}

// challengeDocument tells of one way; all validation is by the first. A
// deactivated authorization keeps its challenges.
func (ca *CA) challengeDocument(a *authorization, kind string) challengeDocument {
	d := challengeDocument{Type: kind, Status: Pending, Token: a.token, URL: ca.numbered("/acme/chall/", a.account, a.id) + "/" + challengeID(kind)}
	if a.status == Invalid {
		d.Status = Invalid
	}
	if !a.solved.IsZero() && kind == a.challenges()[0] {
		d.Validated, d.Error = &a.solved, a.failure
		if d.Status = Valid; a.failure != nil {
			d.Status = Invalid
		}
	}
	return d
}

// challengeID tells the challenges of an authorization apart.
func challengeID(kind string) string { return strings.ReplaceAll(kind, "-", "")[:4] }

// serveChallenge reads a challenge, or lets the CA validate (RFC 8555 section
// 7.5.1). The answer still says pending, for Boulder looks afterwards; here
// the result is there as soon as the answer.
func (ca *CA) serveChallenge(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	if len(c.below) != 3 {
		return refusal(notFound("No such challenge"), c.header)
	}
	id := c.below[2]
	a, p := ca.authorizationAt(c.below[:2])
	if p != nil {
		return refusal(p, c.header)
	}
	for _, kind := range a.challenges() {
		if challengeID(kind) == id {
			return ca.answerChallenge(c, a, kind)
		}
	}
	return refusal(notFound("No such challenge"), c.header)
}

func (ca *CA) answerChallenge(c *call, a *authorization, kind string) *reply {
	if c.account != nil && c.account.id != a.account {
		return refusal(unauthorized("User account ID doesn't match account ID in authorization"), c.header)
	}
	shown := ca.challengeDocument(a, kind)
	c.header.Set("Location", shown.URL)
	c.header.Add("Link", "<"+ca.authorizationURL(a.account, a.id)+">;rel=\"up\"")
	if len(c.payload) > 0 && a.status != Valid {
		if a.status != Pending {
			return refusal(malformed("Unable to update challenge :: authorization must be pending"), c.header)
		}
		ca.model.conclude(a, ca.model.scripts[a.name].Validation, ca.opts.Clock())
	}
	return found(http.StatusOK, shown)
}

// serialText writes a serial number as Boulder does.
func serialText(serial int64) string { return fmt.Sprintf("%036x", serial) }

// serveFinalize issues (RFC 8555 section 7.4). Boulder issues while the client
// polls; here the order is valid at once.
func (ca *CA) serveFinalize(c *call) *reply {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	o, p := ca.orderAt(c)
	if p != nil {
		return refusal(p, c.header)
	}
	if s := o.status(now); s != Ready {
		return refusal(notReady(s), c.header)
	}
	request, p := csr(c.payload, o.names)
	if p != nil {
		return refusal(p, c.header)
	}
	cert, p := m.issue(o, now)
	if p != nil {
		return refusal(p, c.header)
	}
	der, err := ca.issuer.sign(&x509.Certificate{SerialNumber: big.NewInt(cert.serial), DNSNames: cert.names,
		NotBefore: cert.from, NotAfter: cert.to}, request.PublicKey)
	if err != nil {
		return refusal(serverInternal("Error finalizing order"), c.header)
	}
	cert.chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ca.RootPEM()...)
	c.header.Set("Location", ca.numbered("/acme/order/", o.account, o.id))
	return found(http.StatusOK, ca.orderDocument(o))
}

func notReady(s Status) *Problem {
	return NewProblem(http.StatusForbidden, "orderNotReady", fmt.Sprintf("Order's status (%q) is not acceptable for finalization", s))
}

// csr reads a request for a certificate, which must be for the order's names.
func csr(payload []byte, names []string) (*x509.CertificateRequest, *Problem) {
	var body struct {
		CSR string `json:"csr"`
	}
	if !decode(payload, &body) {
		return nil, malformed("Error unmarshaling finalize order request")
	}
	der, err := base64.RawURLEncoding.DecodeString(body.CSR)
	if err != nil {
		return nil, malformed("Error unmarshaling finalize order request")
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, malformed("Error parsing certificate request: %s", err)
	}
	asked := request.DNSNames
	if cn := request.Subject.CommonName; cn != "" {
		asked = append(slices.Clone(asked), cn)
	}
	if request.CheckSignature() != nil || !slices.Equal(normalized(asked), names) {
		return nil, NewProblem(http.StatusForbidden, "unauthorized", "Error finalizing order :: CSR does not specify same identifiers as Order")
	}
	return request, nil
}

// serveCertificate gives a certificate with its chain (RFC 8555 section 7.4.2).
func (ca *CA) serveCertificate(c *call) *reply {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	serial, err := strconv.ParseInt(c.below[0], 16, 64)
	cert := ca.model.certificates[serial]
	switch {
	case err != nil || cert == nil || cert.chain == nil:
		return refusal(notFound("Certificate not found"), c.header)
	case c.account != nil && c.account.id != cert.account:
		return refusal(unauthorized("Account in use did not issue specified certificate"), c.header)
	}
	return &reply{status: http.StatusOK, mime: "application/pem-certificate-chain", body: cert.chain}
}
