package lab

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// botAPI is the part of the Bot API that a bot like ours may need: a method or an
// object, then its fields with their types, those with a ! required. It is Bot API
// 10.1 of 11 June 2026, from https://core.telegram.org/bots/api by way of its
// machine-readable copy, https://github.com/PaulSonOfLars/telegram-bot-api-spec.
// An indented line goes on.
const botAPI = `
getMe
getUpdates offset:integer limit:integer timeout:integer allowed_updates:json
deleteWebhook drop_pending_updates:boolean
sendMessage business_connection_id:string chat_id!:chat message_thread_id:integer direct_messages_topic_id:integer text!:string parse_mode:string
	entities:json link_preview_options:LinkPreviewOptions disable_notification:boolean protect_content:boolean allow_paid_broadcast:boolean
	message_effect_id:string suggested_post_parameters:json reply_parameters:ReplyParameters reply_markup:InlineKeyboardMarkup
sendDocument business_connection_id:string chat_id!:chat message_thread_id:integer direct_messages_topic_id:integer document!:file thumbnail:file
	caption:string parse_mode:string caption_entities:json disable_content_type_detection:boolean disable_notification:boolean protect_content:boolean
	allow_paid_broadcast:boolean message_effect_id:string suggested_post_parameters:json reply_parameters:ReplyParameters
	reply_markup:InlineKeyboardMarkup
sendPhoto business_connection_id:string chat_id!:chat message_thread_id:integer direct_messages_topic_id:integer photo!:file caption:string
	parse_mode:string caption_entities:json show_caption_above_media:boolean has_spoiler:boolean disable_notification:boolean protect_content:boolean
	allow_paid_broadcast:boolean message_effect_id:string suggested_post_parameters:json reply_parameters:ReplyParameters
	reply_markup:InlineKeyboardMarkup
sendMediaGroup business_connection_id:string chat_id!:chat message_thread_id:integer direct_messages_topic_id:integer media!:json
	disable_notification:boolean protect_content:boolean allow_paid_broadcast:boolean message_effect_id:string reply_parameters:ReplyParameters
sendChatAction business_connection_id:string chat_id!:chat message_thread_id:integer action!:string
editMessageText business_connection_id:string chat_id:chat message_id:integer inline_message_id:string text:string parse_mode:string entities:json
	link_preview_options:LinkPreviewOptions rich_message:json reply_markup:InlineKeyboardMarkup
editMessageCaption business_connection_id:string chat_id:chat message_id:integer inline_message_id:string caption:string parse_mode:string
	caption_entities:json show_caption_above_media:boolean reply_markup:InlineKeyboardMarkup
editMessageReplyMarkup business_connection_id:string chat_id:chat message_id:integer inline_message_id:string reply_markup:InlineKeyboardMarkup
answerCallbackQuery callback_query_id!:string text:string show_alert:boolean url:string cache_time:integer
setMyCommands commands!:BotCommands scope:json language_code:string
getMyCommands scope:json language_code:string
deleteMyCommands scope:json language_code:string
getChat chat_id!:chat
deleteMessage chat_id!:chat message_id!:integer
setMessageReaction chat_id!:chat message_id!:integer reaction:json is_big:boolean
InlineKeyboardButton text!:string icon_custom_emoji_id:string style:string url:string callback_data:string web_app:json login_url:json
	switch_inline_query:string switch_inline_query_current_chat:string switch_inline_query_chosen_chat:json copy_text:CopyTextButton callback_game:json
	pay:boolean
ReplyParameters message_id!:integer chat_id:chat allow_sending_without_reply:boolean quote:string quote_parse_mode:string quote_entities:json
	quote_position:integer checklist_task_id:integer poll_option_id:string
LinkPreviewOptions is_disabled:boolean url:string prefer_small_media:boolean prefer_large_media:boolean show_above_text:boolean
BotCommand command!:string description!:string
CopyTextButton text!:string
`

// apiField is a field of a method or an object.
type apiField struct {
	kind     string // integer, boolean, string, chat (a number or a name), file, json, or an object of the table
	required bool
}

// apiTable has the fields of each method, by its name in lower case, and of each
// object.
type apiTable map[string]map[string]apiField

func readBotAPI() apiTable {
	table := apiTable{}
	for entry := range strings.SplitSeq(strings.ReplaceAll(botAPI, "\n\t", " "), "\n") {
		words := strings.Fields(entry)
		if len(words) == 0 {
			continue
		}
		fields := map[string]apiField{}
		for _, word := range words[1:] {
			name, kind, _ := strings.Cut(word, ":")
			name, required := strings.CutSuffix(name, "!")
			fields[name] = apiField{kind: kind, required: required}
		}
		table[strings.ToLower(words[0])] = fields
	}
	return table
}

// check refuses a call with a field that the method does not have, with a value of
// another type, or without a required one. The real server ignores unknown fields,
// so that a misspelled one goes unnoticed.
func (t apiTable) check(method string, q request) error {
	fields := t[strings.ToLower(method)]
	for name, value := range q.params {
		field, known := fields[name]
		if !known {
			return badRequest("lab: " + method + " has no field " + name)
		}
		if !t.fits(field.kind, value) {
			return badRequest("lab: " + method + "." + name + " is not of type " + field.kind)
		}
	}
	for name, field := range fields {
		if _, given := q.params[name]; field.required && !given && !slices.Contains(refusedByMethod(), name) {
			return badRequest("lab: " + method + " lacks " + name)
		}
	}
	return nil
}

// refusedByMethod are the fields whose absence the methods refuse in the real
// server's words.
func refusedByMethod() []string { return []string{"chat_id", "text", "document", "photo", "media"} }

// fits reports whether a parameter has a type. Objects come as their JSON.
func (t apiTable) fits(kind, value string) bool {
	switch kind {
	case "integer":
		_, err := strconv.ParseInt(value, 10, 64)
		return err == nil
	case "boolean":
		return slices.Contains([]string{"true", "false", "True", "False", "1", "0"}, value)
	case "string", "chat", "file":
		return true
	}
	var decoded any
	if json.Unmarshal([]byte(value), &decoded) != nil {
		return true // the method itself says what cannot be parsed
	}
	return t.shaped(kind, decoded)
}

// shaped reports whether a JSON value has the shape of a type.
func (t apiTable) shaped(kind string, value any) bool {
	switch kind {
	case "json":
		return true
	case "integer":
		_, ok := value.(float64)
		return ok
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "string":
		_, ok := value.(string)
		return ok
	case "chat":
		return t.shaped("integer", value) || t.shaped("string", value)
	case "InlineKeyboardMarkup":
		markup, ok := value.(object)
		return ok && len(markup) == 1 && t.each(markup["inline_keyboard"], func(row any) bool {
			return t.each(row, func(button any) bool { return t.shaped("InlineKeyboardButton", button) })
		})
	case "BotCommands":
		return t.each(value, func(command any) bool { return t.shaped("BotCommand", command) })
	}
	return t.isObject(t[strings.ToLower(kind)], value)
}

func (t apiTable) isObject(fields map[string]apiField, value any) bool {
	given, ok := value.(object)
	for name, v := range given {
		field, known := fields[name]
		ok = ok && known && t.shaped(field.kind, v)
	}
	for name, field := range fields {
		_, has := given[name]
		ok = ok && (has || !field.required)
	}
	return ok
}

func (t apiTable) each(list any, fits func(any) bool) bool {
	items, ok := list.([]any)
	for _, item := range items {
		ok = ok && fits(item)
	}
	return ok
}
