// Command ordeal breaks a replicated store on purpose and judges what its clients saw. Run
// "ordeal --help", or see the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ordeal/results"
)

func main() {
	// Ctrl-C ends a whole pipeline. Whoever was to read what is printed may be gone then, and that
	// must not end this program before it has cleaned up: writes just fail.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default is back: a second Ctrl-C ends the program at once, and
	// what it leaves behind is for "ordeal clean".
	context.AfterFunc(ctx, stop)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command and returns its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var verdict verdictError
	if errors.As(err, &verdict) {
		return results.Verdict(verdict).ExitCode()
	}
	if errors.Is(err, syscall.EPIPE) {
		return 0 // whoever read the output has had enough of it
	}
	fmt.Fprintf(errs, "ordeal: %v\n", err)
	var usage usageError
	var exit exitError
	switch {
	case errors.As(err, &usage):
		return results.ExitUsage
	case errors.As(err, &exit):
		return exit.code
	case ctx.Err() != nil:
		return results.ExitInterrupted
	default:
		return results.Harness.ExitCode()
	}
}

// A verdictError ends a command with the exit code of a verdict; everything is said already.
type verdictError results.Verdict

func (e verdictError) Error() string { return string(e) }

// An exitError ends a command with a code of its own.
type exitError struct {
	err  error
	code int
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

// A usageError is a mistake in what the user typed or gave.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ordeal",
		Short: "Break a replicated store on purpose, and judge what its clients saw",
		Long: `Ordeal starts a replicated register as real containers, drives it with concurrent
clients while it cuts their network and kills them, and judges the recorded history: is
every answer consistent with one copy of the data?

Exit codes: 0 pass, 1 violation, 2 Ordeal itself failed, 3 inconclusive, 4 vacuous (too
little happened to mean anything), 64 mistake in the command line, 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          noSubcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w (see %q)", err, cmd.CommandPath()+" --help"))
	})
	root.AddCommand(
		runCommand(), campaignCommand(), bugsCommand(), replayCommand(), shrinkCommand(),
		sequenceCommand(), checkCommand(), listCommand(), doctorCommand(), cleanCommand(),
		nodeCommand(), agentCommand(), wipeCommand(),
		searchCommand(),
	)
	root.InitDefaultCompletionCmd()
	usageOfArguments(root)
	return root
}

// usageOfArguments makes usage mistakes of all that the commands say against their arguments.
func usageOfArguments(parent *cobra.Command) {
	for _, command := range parent.Commands() {
		if check := command.Args; check != nil {
			command.Args = func(cmd *cobra.Command, args []string) error {
				return usage(check(cmd, args))
			}
		}
		usageOfArguments(command)
	}
}

// noSubcommand names what was typed in place of a command.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(fmt.Errorf("unknown command %q (see %q)", args[0], cmd.CommandPath()+" --help"))
}
