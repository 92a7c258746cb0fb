package boulder

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

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
