// Package bot is the contract of the chat: what a person asks and is
// answered, who may ask, and what a messenger has to do. It does no I/O but
// to log what Explain explains; the packages below it do the work.
package bot
