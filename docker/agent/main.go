package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// workerVariable names the environment variable by which a holder makes a process its worker, and
// gives it its number.
const workerVariable = "ORDEAL_AGENT_WORKER"

// restartPause is the time between a worker's end and the next one's start.
const restartPause = 50 * time.Millisecond

// Main is the agent: it runs until ctx is done or the process is told to end by SIGTERM or SIGINT.
// The process that it is called in is the holder; it starts the same command again, as its worker,
// which inherits the streams, as often as that ends. What goes wrong is written to stderr.
func Main(ctx context.Context, stdin, stdout, stderr *os.File) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("an agent needs Linux, and this is %s", runtime.GOOS)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	if number, ok := os.LookupEnv(workerVariable); ok {
		n, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("reading %s: %w", workerVariable, err)
		}
		return newWorker(n, stdout).run(ctx, stdin)
	}
	hold(ctx, stderr, func(number int) error {
		command := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
		command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", workerVariable, number))
		command.Stdin, command.Stdout, command.Stderr = stdin, stdout, stderr
		return command.Run()
	})
	return nil
}

// hold runs one worker after the other, until ctx is done. A worker ends only by accident, so
// each end is written to log.
func hold(ctx context.Context, log io.Writer, work func(number int) error) {
	for number := 1; ctx.Err() == nil; number++ {
		err := work(number)
		if ctx.Err() != nil {
			return
		}
		_, _ = fmt.Fprintf(log, "worker %d ended (%v), starting the next\n", number, err)
		select {
		case <-ctx.Done():
		case <-time.After(restartPause):
		}
	}
}
