package slack

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
)

// defaultWait is how long to wait after a refusal that does not say how long.
const defaultWait = 30 * time.Second

// closed reports whether an error code means that the channel takes nothing from
// the app: it is gone or archived, or the app was removed or lacks a right. The
// codes here and in unusable are from https://docs.slack.dev/reference/methods,
// pages chat.postMessage, chat.update and files.*.
func closed(code string) bool {
	switch code {
	case "channel_not_found", "not_in_channel", "is_archived", "is_inactive",
		"messages_tab_disabled", "cannot_dm_bot", "user_not_found", "team_not_found",
		"cant_post_message", "user_disabled",
		"missing_scope", "no_permission", "access_denied", "ekm_access_denied",
		"team_access_not_granted", "not_allowed_token_type", "enterprise_is_restricted":
		return true
	}
	return strings.HasPrefix(code, "restricted_action")
}

// unusable reports whether an error code means that this message, or its file, will
// never be accepted as it is.
func unusable(code string) bool {
	switch code {
	case "file_uploads_disabled", "storage_limit_reached", "file_upload_size_restricted",
		"no_text", "msg_too_long", "msg_blocks_too_long", "invalid_blocks",
		"invalid_arguments", "method_deprecated", "deprecated_endpoint":
		return true
	}
	return false
}

// internal reports whether an error code stands for a failure inside Slack. Some of
// the call may have succeeded then, says the page of chat.postMessage.
func internal(code string) bool {
	switch code {
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return true
	}
	return false
}

// invalidToken reports whether an error code means that no call with this token can
// succeed.
func invalidToken(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return true
	}
	return false
}

// gone reports whether an error code of chat.update means that the message can no
// longer be edited, while a new message could be sent.
func gone(code string) bool {
	switch code {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return true
	}
	return false
}

// code is the error code of a refusal by Slack; empty for any other error.
func code(err error) string {
	var refusal slackgo.SlackErrorResponse
	if errors.As(err, &refusal) {
		return refusal.Err
	}
	return ""
}

// explain turns an error of the library into one of bot's errors. doing names the
// operation, sent says whether its request was written to a connection.
func (s *Slack) explain(doing string, err error, sent bool) error {
	if err == nil {
		return nil
	}
	shown := fmt.Errorf("%s: %w", doing, s.conceal(err))
	var limited *slackgo.RateLimitedError
	if errors.As(err, &limited) {
		return &bot.RetryAfter{After: max(limited.RetryAfter, time.Second), Err: shown}
	}
	var status slackgo.StatusCodeError
	if errors.As(err, &status) && status.Code == http.StatusTooManyRequests {
		return &bot.RetryAfter{After: defaultWait, Err: shown}
	}
	switch code := code(err); {
	case code == "ratelimited", code == "rate_limited", code == "message_limit_exceeded":
		return &bot.RetryAfter{After: defaultWait, Err: shown}
	case invalidToken(code):
		return &bot.Permanent{Reason: code, Token: true, Err: shown}
	case closed(code):
		return &bot.Permanent{Reason: code, Chat: true, Err: shown}
	case unusable(code):
		return &bot.Permanent{Reason: code, Err: shown}
	case code != "" && !internal(code):
		return &bot.Refused{Reason: code, Err: shown}
	}
	var page *json.SyntaxError
	answered := errors.As(err, &status) || internal(code(err)) || errors.As(err, &page) && !errors.Is(err, io.ErrUnexpectedEOF)
	return &bot.Unclear{Arrived: sent, Answered: answered, Err: shown}
}

// traced returns a context for one call and a function that reports whether its
// request was written to a connection.
func traced(ctx context.Context) (_ context.Context, sent func() bool) {
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }}
	return httptrace.WithClientTrace(ctx, trace), wrote.Load
}

// concealed is an error without the secret that was in its text. It has no Unwrap,
// so that nobody prints the original; errors.Is still works.
type concealed struct {
	text string
	err  error
}

func (e *concealed) Error() string { return e.text }

func (e *concealed) Is(target error) bool { return errors.Is(e.err, target) }

// As finds a certificate that was not accepted, whose text has nothing of ours.
func (e *concealed) As(target any) bool {
	if _, ok := target.(**tls.CertificateVerificationError); !ok {
		return false
	}
	return errors.As(e.err, target)
}

// conceal removes secrets from an error's text: tokens, a proxy's password, and the
// URL of an upload, which anybody could upload to.
func (s *Slack) conceal(err error) error {
	text := err.Error()
	var failed *url.Error
	if errors.As(err, &failed) {
		if address, bad := url.Parse(failed.URL); bad == nil {
			text = strings.ReplaceAll(text, failed.URL, address.Scheme+"://"+address.Host)
		}
	}
	if text = s.hide.Replace(text); text == err.Error() {
		return err
	}
	return &concealed{text: text, err: err}
}

func newReplacer(config Config, proxy *url.URL) *strings.Replacer {
	pairs := []string{config.BotToken, "***", config.AppToken, "***"}
	if proxy != nil {
		if password, ok := proxy.User.Password(); ok && password != "" {
			pairs = append(pairs, password, "***", url.QueryEscape(password), "***")
		}
	}
	return strings.NewReplacer(pairs...)
}
