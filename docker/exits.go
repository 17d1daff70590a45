package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/go-units"
)

// exitLimit bounds the questions about a node that has ended, so that the news is not late.
const exitLimit = time.Second

// An exit is what is known of the end of a node that nobody had asked for.
type exit struct {
	// code is gone for a node whose container was removed.
	code int64
	// memory is true when the kernel ended it for needing more memory than its container may have.
	memory bool
	// removed is true when its container is not there any more.
	removed bool
	// word is the most telling line of its log.
	word string
	// machine is true for an exit code by which the system says that the machine failed its node.
	machine bool
}

// byItself tells the node's own doing from what somebody else on the machine did to it. SIGKILL,
// SIGTERM and a removal come from outside, and so does an orderly end, which a node makes only when
// it is told to; to need too much memory is the node's own doing. That the machine failed it, as
// its exit code says, is not: to end is right then.
func (e exit) byItself() bool {
	switch {
	case e.memory:
		return true
	case e.removed || e.code < 0 || e.machine:
		return false
	default:
		return e.code != killed && e.code != 0 && e.code != terminated
	}
}

// describe says it for people; limit is the container's memory, in bytes.
func (e exit) describe(limit int64) string {
	var detail string
	switch {
	case e.memory:
		detail = fmt.Sprintf("killed by the kernel for needing more than %s of memory "+
			"(exit code %d)", units.BytesSize(float64(limit)), e.code)
	case e.removed && e.code < 0:
		detail = "its container was removed"
	case e.removed:
		detail = fmt.Sprintf("exit code %d, and its container was removed", e.code)
	default:
		detail = fmt.Sprintf("exit code %d", e.code)
	}
	if e.word != "" {
		detail += ": " + e.word
	}
	return detail
}

// reportExit tells the loop that a node has ended, with what can be learned about it within
// exitLimit.
func (c *Cluster) reportExit(ctx context.Context, n *node, code int64) {
	ctx, cancel := context.WithTimeout(ctx, exitLimit)
	defer cancel()
	ended := exit{
		code: code, removed: code == gone,
		machine: slices.Contains(c.config.System.MachineExits, int(code)),
	}
	var group sync.WaitGroup
	group.Go(func() { ended.word = c.lastWord(ctx, n.container) })
	details, err := c.engine.api.ContainerInspect(ctx, n.container)
	switch {
	case errdefs.IsNotFound(err):
		ended.removed = true
	case err == nil:
		ended.memory = code == killed && details.State.OOMKilled
	}
	group.Wait()
	detail, byItself := ended.describe(c.config.Memory), ended.byItself()
	c.queue.post(func() {
		if c.onExit != nil {
			c.onExit(n.member.Name, detail, byItself)
		}
	})
}

// lastWord returns the line of a node's log that says best why it ended: the message of a Go
// program's crash, which its stacks follow, else the last line. It is "" when there is none.
func (c *Cluster) lastWord(ctx context.Context, id string) string {
	var tail strings.Builder
	if err := c.engine.copyLog(ctx, id, lastWordLines, &tail); err != nil {
		return ""
	}
	return telling(tail.String())
}

// telling picks the line: the last crash's, since a log holds all lives of a node.
func telling(log string) string {
	crash, last := "", ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			crash = line
		}
		if line != "" {
			last = line
		}
	}
	if crash != "" {
		return crash
	}
	return last
}
