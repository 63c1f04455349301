/** Forms that no stemmer leads back to their word: what was asked with "buy" was told with "bought". */
const FORMS = `be: am is are was were been being; become: became; begin: began begun; bite: bit bitten; blow: blew blown;
break: broke broken; bring: brought; build: built; burn: burnt; buy: bought; catch: caught; choose: chose chosen;
come: came; deal: dealt; dig: dug; do: did done; draw: drew drawn; dream: dreamt; drink: drank drunk;
drive: drove driven; eat: ate eaten; fall: fell fallen; feed: fed; feel: felt; fight: fought; find: found; fly: flew flown;
forget: forgot forgotten; forgive: forgave forgiven; freeze: froze frozen; get: got gotten; give: gave given;
go: went gone; grow: grew grown; hang: hung; have: had has; hear: heard; hide: hid hidden; hold: held; keep: kept;
know: knew known; lay: laid; lead: led; learn: learnt; leave: left; lend: lent; light: lit; lose: lost; make: made;
mean: meant; meet: met; pay: paid; ride: rode ridden; ring: rang rung; rise: rose risen; run: ran; say: said;
see: saw seen; seek: sought; sell: sold; send: sent; shake: shook shaken; shine: shone; shoot: shot; show: shown;
sing: sang sung; sink: sank sunk; sit: sat; sleep: slept; speak: spoke spoken; spend: spent; stand: stood;
steal: stole stolen; stick: stuck; strike: struck; swear: swore sworn; swim: swam swum; take: took taken;
teach: taught; tear: tore torn; tell: told; think: thought; throw: threw thrown; understand: understood;
wake: woke woken; wear: wore worn; win: won; write: wrote written; child: children; foot: feet; half: halves;
knife: knives; leaf: leaves; life: lives; man: men; mouse: mice; person: people; shelf: shelves; tooth: teeth;
wife: wives; wolf: wolves; woman: women; good: better best; bad: worse worst; far: further furthest`;

const words: ReadonlyMap<string, string> = new Map(
  FORMS.split(";").flatMap((entry) => {
    const [word = "", forms = ""] = entry.split(":");
    return forms
      .trim()
      .split(" ")
      .map((form) => [form, word.trim()] as const);
  }),
);

/** The word that an irregular form is of, else the form itself. */
export const englishWord = (form: string): string => words.get(form) ?? form;
