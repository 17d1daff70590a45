package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"ordeal/harness"
)

// logEvery is how often progress is printed where nobody watches a terminal.
const logEvery = 5 * time.Second

// A status tells a person how far a run has come: on a terminal by one line that is written over,
// in a log by a line every few seconds.
//
// It is safe for concurrent use: the run and the signal both have something to say.
type status struct {
	mutex    sync.Mutex
	out      io.Writer
	terminal bool
	color    bool
	quiet    bool
	width    int
	// shown tells that a line stands there to be written over.
	shown bool
	last  time.Time
	// violation is what was told of a violation.
	violation string
}

func newStatus(out io.Writer, quiet bool) *status {
	s := &status{out: out, quiet: quiet, width: 80}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.terminal = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			s.width = width
		}
	}
	s.color = s.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

func (s *status) title(text string) {
	if !s.quiet {
		fmt.Fprintf(s.out, "%s\n\n", text)
	}
}

// stage tells what comes next.
func (s *status) stage(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.quiet {
		s.line(text + " …")
	}
}

// interrupted says that the first Ctrl-C was heard, and what a second one would do.
func (s *status) interrupted() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.erase()
	fmt.Fprintln(s.out, `interrupted: healing and cleaning up; Ctrl-C again ends it at once, `+
		`and leaves the rest to "ordeal clean"`)
}

// progress tells how far the run is. Of a violation it tells once, at once, in a line that stays.
func (s *status) progress(p harness.Progress) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.quiet && p.Violation != s.violation {
		s.violation = p.Violation
		s.erase()
		fmt.Fprintf(s.out, "violation found at %.2f s: %s\n", p.Elapsed.Seconds(), p.Violation)
	}
	if s.quiet || !s.terminal && time.Since(s.last) < logEvery {
		return
	}
	s.last = time.Now()
	text := fmt.Sprintf("%5.1fs %s: %d ok, %d fail, %d unknown",
		p.Elapsed.Seconds(), p.Phase, p.OK, p.Fail, p.Info)
	if len(p.Active) > 0 {
		text += " · " + strings.Join(p.Active, " · ")
	}
	s.line(text)
}

func (s *status) line(text string) {
	if !s.terminal {
		fmt.Fprintln(s.out, text)
		return
	}
	if cut := []rune(text); len(cut) >= s.width {
		text = string(cut[:max(s.width-2, 0)]) + "…"
	}
	fmt.Fprintf(s.out, "\r\x1b[K%s", text)
	s.shown = true
}

// clear takes the line away.
func (s *status) clear() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.erase()
}

func (s *status) erase() {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
}
