package slack

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"domovoy/bot"
)

// defaultWait is for a refusal that asks to wait and does not say how long.
const defaultWait = 30 * time.Second

// final says of an error code whether no retry will change it. The codes are
// from the pages of chat.postMessage, chat.update and files.*.
func final(code string) bool {
	switch code {
	case "channel_not_found", "not_in_channel", "is_archived", "is_inactive",
		"messages_tab_disabled", "cannot_dm_bot", "user_not_found", "team_not_found",
		"cant_update_message", "cant_post_message", "user_disabled",
		"missing_scope", "no_permission", "access_denied", "ekm_access_denied",
		"team_access_not_granted", "not_allowed_token_type", "enterprise_is_restricted",
		"file_uploads_disabled", "storage_limit_reached", "file_upload_size_restricted",
		"no_text", "msg_too_long", "msg_blocks_too_long", "invalid_blocks",
		"invalid_arguments", "method_deprecated", "deprecated_endpoint":
		return true
	}
	return voidToken(code) || strings.HasPrefix(code, "restricted_action")
}

// troubled names the codes by which Slack says that it is its own trouble.
func troubled(code string) bool {
	switch code {
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return true
	}
	return false
}

// voidToken names the codes after which nothing at all will work.
func voidToken(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return true
	}
	return false
}

// gone says of a code of chat.update that the message cannot be edited any
// more, while a new one would arrive.
func gone(code string) bool {
	return code == "message_not_found" || code == "edit_window_closed"
}

// code is Slack's own name of a refusal; empty for an error of another kind.
func code(err error) string {
	var refusal slackgo.SlackErrorResponse
	if errors.As(err, &refusal) {
		return refusal.Err
	}
	return ""
}

// judge turns the library's error into the bot's terms.
func (s *Slack) judge(doing string, err error) error {
	if err == nil {
		return nil
	}
	told := fmt.Errorf("%s: %w", doing, s.conceal(err))
	var limited *slackgo.RateLimitedError
	if errors.As(err, &limited) {
		return &bot.RetryAfter{After: max(limited.RetryAfter, time.Second), Err: told}
	}
	var status slackgo.StatusCodeError
	if errors.As(err, &status) && status.Code == http.StatusTooManyRequests {
		return &bot.RetryAfter{After: defaultWait, Err: told}
	}
	switch code := code(err); {
	case code == "ratelimited", code == "rate_limited", code == "message_limit_exceeded":
		return &bot.RetryAfter{After: defaultWait, Err: told}
	case final(code):
		return &bot.Permanent{Reason: code, Token: voidToken(code), Err: told}
	case code != "" && !troubled(code):
		return &bot.Refused{Reason: code, Err: told}
	}
	return told
}

// concealed is an error whose text had a secret in it. It does not unwrap, so
// that nobody prints what is beneath; errors.Is still works.
type concealed struct {
	text string
	err  error
}

func (e *concealed) Error() string { return e.text }

func (e *concealed) Is(target error) bool { return errors.Is(e.err, target) }

// conceal cuts secrets out of an error's text: a token, a proxy's password,
// an upload address, which is a key by itself.
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
