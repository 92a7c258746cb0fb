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
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
)

const (
	telegramURL = "https://api.telegram.org"

	callTimeout   = 30 * time.Second
	uploadTimeout = 3 * time.Minute // 50 MB at 300 kB/s

	// maxAnswer, in bytes, is far more than 100 updates, the longest response.
	maxAnswer = 32 << 20
)

// client calls the Bot API.
type client struct {
	token    string
	endpoint string // the library's format string: %s for the token, %s for the method
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
		http:     newHTTPClient(proxy, cfg.Dial),
		secrets:  newRedactor(secrets...),
	}, nil
}

func parseProxy(proxy string) (*url.URL, error) {
	if proxy == "" {
		return nil, nil
	}
	return parseURL("the proxy", proxy, "http", "https", "socks5", "socks5h")
}

// parseURL parses an http or proxy URL. Its errors never contain the URL, which may
// have a password.
func parseURL(what, text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("%s is not a URL with a host and one of %s", what, strings.Join(schemes, ", "))
	}
	return u, nil
}

func newHTTPClient(proxy *url.URL, dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyURL(proxy), // nil: no proxy; environment variables are ignored
			DialContext:         dial,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     90 * time.Second,
		},
		// Following a redirect would send the token to another host, in the Referer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// requester makes a function the library's HTTPClient.
type requester func(*http.Request) (*http.Response, error)

// Do makes one request.
func (f requester) Do(r *http.Request) (*http.Response, error) { return f(r) }

// foreignResponse is the error for a response that is not from the Bot API, such as
// a load balancer's page or a proxy's refusal.
type foreignResponse struct {
	status int
	err    error
}

func (e *foreignResponse) Error() string {
	return fmt.Sprintf("HTTP status %d, not an answer of the Bot API: %v", e.status, e.err)
}

func (e *foreignResponse) Unwrap() error { return e.err }

// call calls a method of the API and returns its result. Errors contain no secrets;
// a refusal by Telegram is a *tgbotapi.Error in the chain, with its code, anything
// else a *bot.Unclear.
func (c *client) call(ctx context.Context, timeout time.Duration, method string,
	params tgbotapi.Params, files ...tgbotapi.RequestFile,
) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status := 0          // of the HTTP response; 0: there was none
	var sent atomic.Bool // the request's head was written to a connection
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
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
		err = c.secrets.error(completed(err, status))
		if _, refused := errors.AsType[*tgbotapi.Error](err); !refused {
			err = &bot.Unclear{Arrived: sent.Load(), Answered: status != 0 && !errors.Is(err, io.ErrUnexpectedEOF), Err: err}
		}
		return nil, fmt.Errorf("calling %s: %w", method, err)
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

// completed adds to the library's error what it leaves out: the code of a refused
// upload, and the HTTP status of a response that is not the Bot API's: one without
// a description is not, even if it is JSON.
func completed(err error, status int) error {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	if refused && refusal.Message != "" {
		refusal.Code = cmp.Or(refusal.Code, status)
		return err
	}
	if refused {
		err = errors.New("no description")
	}
	if status != 0 {
		return &foreignResponse{status: status, err: err}
	}
	return err
}

// redactor replaces secrets in texts.
type redactor []string

// newRedactor makes a redactor of secrets, in plain and in URL-escaped form.
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

// error returns an error without secrets in its text. The token is a part of every
// URL, and net/http's errors contain the URL.
func (r redactor) error(err error) error {
	if err == nil {
		return nil
	}
	return &redacted{text: r.text(err.Error()), cause: r.clean(err)}
}

// clean returns the first error of the chain without secrets in its text, or nil.
func (r redactor) clean(err error) error {
	for err != nil && r.text(err.Error()) != err.Error() {
		err = errors.Unwrap(err)
	}
	return err
}

// redacted is an error without secrets in its text.
type redacted struct {
	text  string
	cause error // may be nil
}

func (e *redacted) Error() string { return e.text }

func (e *redacted) Unwrap() error { return e.cause }
