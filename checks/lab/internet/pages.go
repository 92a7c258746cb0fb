package internet

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ChallengePath is the folder of the URL that the CA requests (RFC 8555 section
// 8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// NotFound is nginx's own 404, as our server returns it for a missing file.
func NotFound() http.Handler { return Status(http.StatusNotFound, nginxPage("404 Not Found")) }

// Status answers everything with one status and page, like nginx.
func Status(code int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w, code, body) })
}

func nginxPage(title string) string {
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
}

func write(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Server", "nginx")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(code)
	if code != http.StatusNoContent && code != http.StatusNotModified {
		_, _ = w.Write([]byte(body)) // the client may have gone
	}
}

// Challenges serves token files from the panel's folder, like ISPmanager's
// nginx.
type Challenges struct {
	Dir           string
	Before, After string       // a BOM, a comment added by a filter, white space
	Code          int          // status for tokens; 0: 200
	Else          http.Handler // for everything except tokens; nil: NotFound
}

// ServeHTTP serves the token's file.
func (c Challenges) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, found := strings.CutPrefix(r.URL.Path, ChallengePath)
	if found && name == filepath.Base(name) {
		if content, err := os.ReadFile(filepath.Join(c.Dir, name)); err == nil {
			write(w, max(c.Code, http.StatusOK), c.Before+string(content)+c.After)
			return
		}
	}
	if c.Else == nil {
		c.Else = NotFound()
	}
	c.Else.ServeHTTP(w, r)
}

// Redirect redirects every request to a URL with variables as in nginx: $host,
// $request_uri, and $tail, which is the latter without its slash: a common
// mistake leads to hosts like client.ru.well-known.
func Redirect(code int, to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uri := r.URL.RequestURI()
		w.Header().Set("Location", strings.NewReplacer("$host", r.Host, "$request_uri", uri, "$tail", strings.TrimPrefix(uri, "/")).Replace(to))
		write(w, code, nginxPage(strconv.Itoa(code)+" "+http.StatusText(code)))
	})
}

// Chain redirects n times, each time to another URL of the same host; then end
// answers.
func Chain(n int, end http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hop, _ := strconv.Atoi(r.URL.Query().Get("hop")) // missing: the first
		if hop >= n {
			end.ServeHTTP(w, r)
			return
		}
		Redirect(http.StatusFound, fmt.Sprintf("%s?hop=%d", r.URL.Path, hop+1)).ServeHTTP(w, r)
	})
}

// BySecurity uses one handler for HTTP, another for HTTPS.
func BySecurity(plain, secure http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			secure.ServeHTTP(w, r)
			return
		}
		plain.ServeHTTP(w, r)
	})
}

// Alternate is a load balancer without health checks: each request goes to the
// next server.
func Alternate(servers ...http.Handler) http.Handler {
	var mu sync.Mutex
	turn := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		server := servers[turn%len(servers)]
		turn++
		mu.Unlock()
		server.ServeHTTP(w, r)
	})
}

// Sometimes uses bad with a probability of share (0 to 1); the same seed gives
// the same sequence.
func Sometimes(seed uint64, share float64, good, bad http.Handler) http.Handler {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, seed))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		fails := dice.Float64() < share
		mu.Unlock()
		if fails {
			bad.ServeHTTP(w, r)
			return
		}
		good.ServeHTTP(w, r)
	})
}

// LimitRequests is nginx's limit_req with a zone for each path: after n requests
// of one address for a path it refuses all others.
func LimitRequests(n, status int, behind http.Handler) http.Handler {
	return AfterRequests(n, Status(status, nginxPage(strconv.Itoa(status)+" "+http.StatusText(status))), behind)
}

// AfterRequests uses another handler after n requests of one address for a path.
func AfterRequests(n int, then, behind http.Handler) http.Handler {
	var mu sync.Mutex
	seen := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr) // the server sets it to an address and a port
		mu.Lock()
		seen[from+r.URL.Path]++
		over := seen[from+r.URL.Path] > n
		mu.Unlock()
		if over {
			then.ServeHTTP(w, r)
			return
		}
		behind.ServeHTTP(w, r)
	})
}

// ByAgent uses one handler for the CA's validators, known by their User-Agent,
// and another for everyone else.
func ByAgent(validators, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.UserAgent(), "Let's Encrypt validation server") {
			validators.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// Slow answers late.
func Slow(wait time.Duration, behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := time.NewTimer(wait)
		defer late.Stop()
		select {
		case <-late.C:
			behind.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// Never does not answer until the client disconnects or the lab is closed.
func Never() http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// CookieWall sets a cookie with a redirect to the same URL, and passes only
// requests with that cookie to behind.
func CookieWall(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("__passed"); err == nil {
			behind.ServeHTTP(w, r)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "__passed", Value: "1", Path: "/"})
		Redirect(http.StatusFound, "http://$host$request_uri").ServeHTTP(w, r)
	})
}

// TestCookie is the response of nginx's testcookie module to a client without
// JavaScript: 200, a script, and no content.
func TestCookie() http.Handler {
	return Status(http.StatusOK, `<html><body><script type="text/javascript" src="/aes.js" ></script><script>`+
		`function toNumbers(d){var e=[];d.replace(/(..)/g,function(d){e.push(parseInt(d,16))});return e}`+
		`document.cookie="BPC="+toHex(slowAES.decrypt(c,2,a,b))+"; path=/";location.href="/?attempt=1";</script></body></html>`)
}

// Firewall is the page of a web application firewall that blocks robots.
func Firewall() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-WAF-Event", "block-robot")
		write(w, http.StatusForbidden, "<html><head><title>Access denied</title></head><body><h1>Request blocked</h1>"+
			"<p>Your request looks automated and was blocked by the security policy. Incident 7c1f-22.</p></body></html>")
	})
}

// Proxy answers like a CDN in front of a site: with the CDN's Server header and
// the site's response, or 522 (its own timeout) if behind is nil.
func Proxy(server string, behind http.Handler) http.Handler {
	if behind == nil {
		behind = Status(522, "<html><head><title>522: Connection timed out</title></head></html>")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		behind.ServeHTTP(renamed{w, server}, r)
	})
}

// renamed replaces the Server header.
type renamed struct {
	http.ResponseWriter
	server string
}

// WriteHeader replaces the header just before it is sent.
func (r renamed) WriteHeader(status int) {
	r.Header().Set("Server", r.server)
	r.ResponseWriter.WriteHeader(status)
}
