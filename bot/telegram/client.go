package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

const (
	telegramURL = "https://api.telegram.org"

	callTimeout   = 30 * time.Second
	uploadTimeout = 3 * time.Minute // 50 MB at 300 kB/s

	// maxAnswer is far above 100 updates, the longest answer there is; bytes.
	maxAnswer = 32 << 20
)

// client calls the Bot API.
type client struct {
	token    string
	endpoint string // as the library wants it: %s for the token, %s for the method
	http     *http.Client
	secrets  redactor
}

func newClient(cfg Config) (*client, error) {
	if cfg.Token == nil {
		return nil, errors.New("no token")
	}
	token := strings.TrimSpace(cfg.Token())
	shape := tokenShape.FindStringSubmatch(token)
	if shape == nil {
		return nil, errors.New("the token has not the form 123456789:AA…")
	}
	api, err := parseURL("the API's address", cmp.Or(cfg.APIURL, telegramURL), "https", "http")
	if err != nil {
		return nil, err
	}
	proxy, err := parseProxy(cfg.Proxy)
	if err != nil {
		return nil, err
	}
	secrets := []string{shape[1]}
	if proxy != nil {
		password, _ := proxy.User.Password()
		secrets = append(secrets, password)
	}
	base := strings.ReplaceAll(strings.TrimRight(api.String(), "/"), "%", "%%")
	return &client{
		token:    token,
		endpoint: base + "/bot%s/%s",
		http:     newHTTPClient(proxy),
		secrets:  newRedactor(secrets...),
	}, nil
}

func parseProxy(proxy string) (*url.URL, error) {
	if proxy == "" {
		return nil, nil
	}
	return parseURL("the proxy", proxy, "http", "https", "socks5", "socks5h")
}

// parseURL quotes nothing of what it was given: that may hold a password.
func parseURL(what, text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("%s is no URL with a host and one of %s", what, strings.Join(schemes, ", "))
	}
	return u, nil
}

func newHTTPClient(proxy *url.URL) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyURL(proxy), // nil: none; the environment is not asked
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     90 * time.Second,
		},
		// A redirect would carry the token to another host, in the Referer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// requester is a function as the library's HTTPClient.
type requester func(*http.Request) (*http.Response, error)

// Do makes one request.
func (f requester) Do(r *http.Request) (*http.Response, error) { return f(r) }

// oddAnswer is an answer that the Bot API did not give: a balancer's page, a
// proxy's refusal.
type oddAnswer struct {
	status int
	err    error
}

func (e *oddAnswer) Error() string {
	return fmt.Sprintf("HTTP status %d, no JSON: %v", e.status, e.err)
}

func (e *oddAnswer) Unwrap() error { return e.err }

// call makes one call. Its errors can be logged; a refusal by Telegram is a
// *tgbotapi.Error in the chain, with its code.
func (c *client) call(ctx context.Context, timeout time.Duration, method string,
	params tgbotapi.Params, files ...tgbotapi.RequestFile,
) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status := 0 // of the HTTP answer; 0: none came
	api := tgbotapi.BotAPI{Token: c.token, Client: requester(func(r *http.Request) (*http.Response, error) {
		response, err := c.http.Do(r.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		status = response.StatusCode
		response.Body = limited{io.LimitReader(response.Body, maxAnswer), response.Body}
		return response, nil
	})}
	api.SetAPIEndpoint(c.endpoint)
	answer, err := request(&api, method, params, files)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", method, c.secrets.error(completed(err, status)))
	}
	return answer.Result, nil
}

type limited struct {
	io.Reader
	io.Closer
}

func request(api *tgbotapi.BotAPI, method string, params tgbotapi.Params, files []tgbotapi.RequestFile) (*tgbotapi.APIResponse, error) {
	if len(files) > 0 {
		return api.UploadFiles(method, params, files)
	}
	return api.MakeRequest(method, params)
}

// completed adds what the library leaves out: the code of a refused upload,
// and the status of an answer that is no JSON.
func completed(err error, status int) error {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	if refused {
		refusal.Code = cmp.Or(refusal.Code, status)
		return err
	}
	if status != 0 {
		return &oddAnswer{status: status, err: err}
	}
	return err
}

// redactor knows what must never be seen.
type redactor []string

// newRedactor takes secrets in their plain form and adds the escaped ones.
func newRedactor(secrets ...string) redactor {
	var r redactor
	for _, s := range secrets {
		if s != "" {
			r = append(r, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	return r
}

func (r redactor) text(s string) string {
	for _, secret := range r {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return s
}

// error hides the secrets of an error's text. The token is a part of every
// URL, and net/http puts the URL into every error.
func (r redactor) error(err error) error {
	if err == nil {
		return nil
	}
	return &redacted{text: r.text(err.Error()), cause: r.clean(err)}
}

// clean finds the first error of the chain whose text is harmless; may be nil.
func (r redactor) clean(err error) error {
	for err != nil && r.text(err.Error()) != err.Error() {
		err = errors.Unwrap(err)
	}
	return err
}

// redacted is an error that can be logged.
type redacted struct {
	text  string
	cause error // may be nil
}

func (e *redacted) Error() string { return e.text }

func (e *redacted) Unwrap() error { return e.cause }
