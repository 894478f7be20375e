"""A group whose options may stand anywhere, and whose verbs still answer ``--help`` themselves."""

import click


class VerbGroup(click.Group):
    """A group that takes its own options before its argument, after it, and after the verb.

    Reading them everywhere would also take ``--help`` away from the verb it stands behind; it is handed on.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's part of the line; see `click.Group`."""
        rest = [arg for arg in args if arg not in ctx.help_option_names]
        if len(rest) == len(args) or not any(arg in self.commands for arg in rest[1:]):
            return super().parse_args(ctx, args)
        super().parse_args(ctx, rest)
        ctx.args.append("--help")
        return ctx.args
