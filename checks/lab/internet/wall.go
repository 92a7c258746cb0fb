package internet

import "net/http"

// CookieWall lets nobody in who does not bring back the cookie it sets, by a redirect to the same URL.
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

// TestCookie is what nginx's testcookie module shows to a client without JavaScript: 200, a script, and no content.
func TestCookie() http.Handler {
	return Status(http.StatusOK, `<html><body><script type="text/javascript" src="/aes.js" ></script><script>`+
		`function toNumbers(d){var e=[];d.replace(/(..)/g,function(d){e.push(parseInt(d,16))});return e}`+
		`document.cookie="BPC="+toHex(slowAES.decrypt(c,2,a,b))+"; path=/";location.href="/?attempt=1";</script></body></html>`)
}

// Firewall is the page of a web application firewall that lets no robot in.
func Firewall() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-WAF-Event", "block-robot")
		write(w, http.StatusForbidden, "<html><head><title>Access denied</title></head><body><h1>Request blocked</h1>"+
			"<p>Your request looks automated and was blocked by the security policy. Incident 7c1f-22.</p></body></html>")
	})
}

// Proxy answers as a CDN in front of a site: with the CDN's Server header,
// and the site behind it, or 522 (its own timeout) when there is none.
func Proxy(server string, behind http.Handler) http.Handler {
	if behind == nil {
		behind = Status(522, "<html><head><title>522: Connection timed out</title></head></html>")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		behind.ServeHTTP(renamed{w, server}, r)
	})
}

// renamed puts another name into the Server header.
type renamed struct {
	http.ResponseWriter
	server string
}

// WriteHeader changes the name at the last moment.
func (r renamed) WriteHeader(status int) {
	r.Header().Set("Server", r.server)
	r.ResponseWriter.WriteHeader(status)
}
