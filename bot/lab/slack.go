package lab

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// SlackOptions configures NewSlack; each may be zero.
type SlackOptions struct {
	Network   *Network         // that clients connect by; nil: loopback
	BotToken  string           // default: a made-up xoxb- one
	AppToken  string           // default: a made-up xapp- one
	Team      string           // the workspace's id, default "T012345"
	Lacks     []string         // scopes that the app does not have; of conversations.info only
	Strict    bool             // answer 429 above the published rates
	Now       func() time.Time // for the rates, default time.Now
	PingEvery time.Duration    // of each socket, default 5 s
	AckWithin time.Duration    // later acks are late, default 3 s as Slack says
}

// Slack is a workspace with its Web API and Socket Mode.
// https://docs.slack.dev/apis/web-api, https://docs.slack.dev/apis/events-api/using-socket-mode
type Slack struct {
	front
	options SlackOptions

	mu        sync.Mutex // guards the fields below
	changed   signal     // sent after each change of the fields below
	workspace workspace
	rates     slackRates
	files     map[string]*upload // by file id
	shares    int                // calls that showed files
	sockets   socketBoard
}

type slackMethod func(context.Context, request) (object, error)

const (
	labBotUser = "U0LABBOT00"
	labBot     = "B0LABBOT00"
	labApp     = "A0LABAPP00"
)

// NewSlack starts a server on a free port.
func NewSlack(options SlackOptions) (*Slack, error) {
	server, listener, err := listen(options.Network)
	if err != nil {
		return nil, err
	}
	s := &Slack{
		front:     front{server: server},
		options:   options.withDefaults(),
		rates:     newSlackRates(options.Strict),
		workspace: newWorkspace(),
		files:     map[string]*upload{},
		sockets:   newSocketBoard(),
	}
	server.serve(listener, s.mux())
	return s, nil
}

func (o SlackOptions) withDefaults() SlackOptions {
	if o.BotToken == "" {
		o.BotToken = "xoxb-lab-bot-token-of-nobody"
	}
	if o.AppToken == "" {
		o.AppToken = "xapp-lab-app-token-of-nobody"
	}
	if o.Team == "" {
		o.Team = "T012345"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PingEvery == 0 {
		o.PingEvery = 5 * time.Second
	}
	if o.AckWithin == 0 {
		o.AckWithin = 3 * time.Second
	}
	return o
}

func (s *Slack) methods() map[string]slackMethod {
	return map[string]slackMethod{
		"apps.connections.open":        s.openConnection,
		"auth.test":                    s.authTest,
		"chat.postMessage":             s.postMessage,
		"chat.postEphemeral":           s.postEphemeral,
		"chat.update":                  s.updateMessage,
		"conversations.info":           s.conversationInfo,
		"conversations.open":           s.openConversation,
		"users.info":                   s.userInfo,
		"files.getUploadURLExternal":   s.getUploadURL,
		"files.completeUploadExternal": s.completeUpload,
	}
}

func (s *Slack) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /upload/{file}", s.serveUpload)
	mux.HandleFunc("POST /response/{envelope}", s.serveResponse)
	mux.HandleFunc("GET /link/{ticket}", s.serveSocket)
	return mux
}

// APIURL is the Web API's address for clients, with a slash at the end.
func (s *Slack) APIURL() string { return s.url + "/api/" }

// BotToken is the token for calls.
func (s *Slack) BotToken() string { return s.options.BotToken }

// AppToken is the token for Socket Mode.
func (s *Slack) AppToken() string { return s.options.AppToken }

// BotUser is the bot's own user id, as in a mention.
func (s *Slack) BotUser() string { return labBotUser }

func (s *Slack) serveAPI(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest(w, r)
	if err != nil {
		slackReply(nil, &slackError{code: "invalid_arguments", problems: []string{err.Error()}}).write(w)
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		token = q.params["token"]
	}
	delete(q.params, "token") // it must not be in the log of calls
	name := r.PathValue("method")
	s.handle(w, r, exchange{
		method: name,
		params: q.params,
		refuse: func(f Fault) reply { return s.refuse(name, q, f) },
		inside: func() bool { return s.inside(name, q) },
		run: func(ctx context.Context) reply {
			if err := s.checkToken(name, token); err != nil {
				return slackReply(nil, err)
			}
			method, known := s.methods()[name]
			if !known {
				return slackReply(nil, &slackError{code: "unknown_method"})
			}
			return slackReply(method(ctx, q))
		},
	})
}

// checkToken requires the app's token for opening a socket and the bot's otherwise.
func (s *Slack) checkToken(method, token string) error {
	wanted, other := s.options.BotToken, s.options.AppToken
	if method == "apps.connections.open" {
		wanted, other = other, wanted
	}
	switch token {
	case wanted:
		return nil
	case other:
		return &slackError{code: "not_allowed_token_type"}
	case "":
		return &slackError{code: "not_authed"}
	}
	return &slackError{code: "invalid_auth"}
}

func (s *Slack) authTest(context.Context, request) (object, error) {
	return object{
		"url": s.url + "/", "team": "Lab", "user": "domovoy", "team_id": s.options.Team,
		"user_id": labBotUser, "bot_id": labBot, "is_enterprise_install": false,
	}, nil
}

// slackError is a refusal in the Web API's form: HTTP 200 and ok false, except for
// 429. https://docs.slack.dev/apis/web-api/#responses
type slackError struct {
	code       string
	problems   []string // for response_metadata.messages
	retryAfter int      // seconds, 0 unless rate limited
	status     int      // HTTP status; 0 means 200
}

func (e *slackError) Error() string {
	return strings.Join(append([]string{e.code}, e.problems...), "; ")
}

func slackReply(fields object, err error) reply {
	if err == nil {
		body := object{"ok": true}
		for name, value := range fields {
			body[name] = value
		}
		return jsonReply(http.StatusOK, body)
	}
	refusal, ok := errors.AsType[*slackError](err)
	if !ok {
		refusal = &slackError{code: "internal_error", problems: []string{err.Error()}}
	}
	return refusal.reply()
}

func (e *slackError) reply() reply {
	body := object{"ok": false, "error": e.code}
	if len(e.problems) > 0 {
		body["errors"] = e.problems
		body["response_metadata"] = object{"messages": e.problems}
	}
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	answer := jsonReply(status, body)
	answer.retryAfter = e.retryAfter
	answer.problem = e.Error()
	return answer
}

// rateLimited is https://docs.slack.dev/apis/web-api/rate-limits.
func rateLimited(seconds int) *slackError {
	return &slackError{code: "ratelimited", status: http.StatusTooManyRequests, retryAfter: seconds}
}

// refuse answers with a fault; a 429 opens a window.
func (s *Slack) refuse(method string, q request, f Fault) reply {
	if f.Kind == TooManyRequests {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rates.hold(limitedBy(method, q), s.options.Now(), f.RetryAfter)
	}
	return refuseSlack(f)
}

// inside reports whether a call comes in the window of a 429.
func (s *Slack) inside(method string, q request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options.Now().Before(s.rates.held[limitedBy(method, q)])
}

// limitedBy is what a 429 of a method is about: messages are limited in each
// channel, everything else in the workspace.
func limitedBy(method string, q request) string {
	if method == "chat.postMessage" {
		return q.params["channel"]
	}
	return method
}

func refuseSlack(f Fault) reply {
	if f.Kind == TooManyRequests {
		return rateLimited(f.RetryAfter).reply()
	}
	return (&slackError{code: f.Text, status: f.Status}).reply()
}
