// Package files writes a week's report as a file to open, print or forward.
package files
