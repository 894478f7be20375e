"""`cisterna dissector`: the Wireshark dissector of the protocol, for who has the package and no checkout."""

import click

from workbench.generators.dissector import dissector_script


@click.command()
def dissector() -> None:
    """Print the Wireshark dissector of OITP/1 (Lua).

    Save it as oitp.lua in Wireshark's folder of personal Lua plugins, or load it for once:
    tshark -X lua_script:oitp.lua -r session.pcapng
    """
    click.echo(dissector_script(), nl=False)
