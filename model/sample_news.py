"""The words of the built-in sample: topics of four news categories, written for this project.

Data only. A topic is who did what, and how; every phrase of one line goes with every phrase of the others.
`{slots}` are filled by `model.sample`.
"""
# ruff: noqa: E501 - a line holds all phrases of one part of a sentence, however many they are

from __future__ import annotations

from dataclasses import dataclass

LABELS: tuple[str, ...] = ("World", "Sports", "Business", "Sci/Tech")
"""Names and order of the AG News classes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The phrases of one running story."""

    name: str
    who: tuple[str, ...]
    did: tuple[str, ...]
    what: tuple[str, ...]
    how: tuple[str, ...]


def _topics(text: str) -> tuple[Topic, ...]:
    """Read blocks of five lines: a name, then who, did, what and how, phrases divided by `|`."""
    blocks = (block.split("\n") for block in text.strip().split("\n\n"))
    return tuple(Topic(name, *map(_phrases, lines)) for name, *lines in blocks)


def _phrases(line: str) -> tuple[str, ...]:
    return tuple(line.split("|"))


TOPICS: dict[str, tuple[Topic, ...]] = {
    "World": _topics("""
election
the opposition leader|the electoral commission|the outgoing president|the ruling party|foreign observers|the interim premier|two rival candidates
challenged|confirmed|denounced|disputed|hailed|questioned|rejected
the result of the presidential vote|a recount in {n} provinces|the date of the runoff|claims of ballot fraud|the turnout figures|the parliamentary poll in {place}|a plan to redraw the constituencies
as thousands of supporters filled the capital|a week before polling stations open|despite warnings of unrest|after a night of counting|under pressure from foreign diplomats|in a televised address

ceasefire
rebel commanders|government negotiators|the militia|United Nations envoys|tribal elders|both armies|the peacekeeping force
accepted|broke|discussed|extended|postponed|signed|walked out of
a ceasefire along the northern border|talks on disarming the guerrillas|a truce brokered in {place}|an accord on sharing power|a prisoner exchange|the demilitarised zone agreement|a timetable for withdrawing troops
after {n} days of shelling|as civilians waited for food convoys|amid mutual accusations of bad faith|with mediators from {place} at the table|hours before the deadline ran out|while fighting continued in the hills

attack
insurgents|a suicide bomber|gunmen|unidentified militants|a car bomb|warplanes|separatists
attacked|destroyed|hit|killed {n} people at|struck|wounded dozens near|set fire to
a police checkpoint near {place}|an army convoy|the main mosque of the old city|a crowded market in {place}|a military barracks|the governor's residence|an oil pipeline guarded by soldiers
on the eve of the religious holiday|in the deadliest violence since spring|according to the interior ministry|as troops tightened the siege|and no group claimed responsibility|before dawn prayers

refugees
aid agencies|the Red Cross|relief workers|displaced families|the refugee agency|a humanitarian convoy|border guards
appealed for help in|began leaving|evacuated|fled|reached|were turned away from|warned of hunger in
the camps on the frontier with {place}|the besieged valley|villages burned by militiamen|the famine belt of the south|an overcrowded shelter near {place}|the quake zone|the flooded delta
where {n},000 people need tents and clean water|as cholera spread|after the rains cut the last road|despite promises of safe passage|while donors argued over money|for a third week

diplomacy
the foreign minister of {place}|the secretary of state|European leaders|the prime minister|the ambassador to {place}|the Security Council|the visiting king
condemned|demanded|backed|opposed|pressed for|ruled out|welcomed
new sanctions against {place}|inspections of the enrichment plant|a return to six-nation talks|a resolution on the disputed islands|a treaty on landmines|the recall of the ambassador|closer ties with {place}
at a summit in {place}|during a state visit|after an hour of closed consultations|in the sharpest language so far|to end a decade of hostility|in a letter to the secretary-general

tribunal
the war crimes tribunal|prosecutors in The Hague|a former general|the deposed dictator|the supreme court of {place}|a military judge|the widow of a slain journalist
asked for a delay of|attended|opened|rejected|faced|refused to recognise|testified in
the genocide trial|hearings on the {year} massacre|an extradition case|the inquiry into secret prisons|charges of crimes against humanity|the treason proceedings|an appeal against the death sentence
before a packed courtroom|under heavy guard|after {n} years in exile|as victims' relatives wept|over objections by defence lawyers|on the first day of testimony

protest
students|striking nurses|riot police|masked demonstrators|exiled dissidents|the archbishop|farm workers
blocked|clashed over|gathered against|marched on|occupied|protested over|were arrested near
the parliament in {place}|a new emergency decree|the presidential palace|rising bread and fuel prices|a ban on headscarves in schools|the jailing of a human rights lawyer|land seizures
with tear gas and water cannon in the streets|in the largest rally in a generation|as the cabinet met in emergency session|chanting for the president to resign|despite a curfew|for the {nth} night running

kidnapping
the kidnappers|the hostages' families|commandos|an intelligence officer|a militant cell|detectives in {place}|the embassy
freed|identified|pleaded for|released a video of|searched for|seized|threatened to kill
{n} foreign engineers|a French reporter|the abducted aid worker|the hijackers of a ferry|the daughter of a senator|three truck drivers|a suspected courier of the terror network
after a raid on a safe house|outside {place}|as a ransom deadline passed|with the help of local clerics|in a message to an Arab broadcaster|two months after they vanished

government
the coalition government|lawmakers in {place}|the president's son|the anti-corruption agency|the new cabinet|the upper house|a scandal-hit minister
abolished|debated|defeated|pushed through|resigned over|survived a vote on|vetoed
a constitutional amendment|an inquiry into bribes|the bill on asylum seekers|autonomy for the eastern region|a no-confidence motion|compulsory military service|a law on press freedom
by a margin of {n} votes|after an all-night sitting|in a blow to the prime minister|to calm an angry public|three months after taking power|as the crisis deepened
"""),
    "Sports": _topics("""
football
{team}|the visiting side|the league leaders|ten-man {team}|the cup holders|the promoted club|the national side of {place}
beat|drew with|held|knocked out|lost to|outplayed|thrashed
{team} with a late header|{team} in extra time|the champions on penalties|{team} at a rain-soaked stadium|their neighbours in the derby|a depleted {team} midfield|the second-division strugglers
to go top of the table|as {person} scored twice|despite an early red card|to reach the semifinals|after the goalkeeper's blunder|and extended an unbeaten run to {n} matches

baseball
{team}|rookie pitcher {person}|the bullpen|slugger {person}|the visiting batters|closer {person}|the wild-card leaders
blanked|edged|outlasted|rallied past|shut down|silenced|swept
{team} in the ninth inning|{team} behind a grand slam|a lineup that had won {n} straight|{team} in the division series|the last-place {team}|the home crowd's favourites in the rubber game|{team} with a two-run homer
to clinch the pennant|as the shortstop drove in {n} runs|despite two errors in left field|on a night of cold bats|and moved within a game of first place|before the playoffs begin

basketball
{team}|guard {person}|the shorthanded visitors|the veteran center|rookie forward {person}|the bench of {team}|the Olympic squad
buried|held off|pulled away from|routed|ran past|stunned|upset
{team} with a buzzer beater|{team} in overtime|the top seed in the conference finals|{team} behind {n} rebounds|the defending champions at home|a cold-shooting {team}|{team} in the fourth quarter
as {person} scored {big} points|for a third victory in a row|without their injured captain|thanks to fast breaks and free throws|in front of a sellout crowd|to even the series

tennis
top seed {person}|wild card {person}|the teenage qualifier|the left-hander from {place}|former champion {person}|unseeded {person}|the doubles pair
beat|cruised past|eased past|fell to|fought back against|retired hurt against|saw off
{person} in straight sets|{person} in a five-set thriller|the clay-court specialist|the defending champion on centre court|{person} at the {place} Open|a tired opponent in the tie-break|the second seed under the lights
to reach the quarterfinals|saving {n} match points|with a string of aces and backhand winners|after a rain delay|in windy conditions|and set up a final with {person}

golf
{person}|the overnight leader|the long-hitting Australian|the Ryder Cup captain|the world number one|a tour rookie|the amateur champion
birdied his way to|charged into|clung to|shot a closing 66 to win|slipped out of|surrendered|took
the lead at the {place} Masters|a one-stroke victory|a share of second place|the clubhouse lead|a playoff on the eighteenth green|contention with {n} holes to play|the final round in {place}
despite a double bogey|after sinking a long putt|as the wind picked up on the back nine|with a new driver in the bag|missing the fairway only once|and qualified for the tour championship

athletics
the Olympic champion|sprinter {person}|the marathon favourite|the relay team|hurdler {person}|a {place} swimmer|the decathlete
broke|claimed|equalled|missed|smashed|was stripped of|won
the world record in the 400 metres|a gold medal in the freestyle|the national title|the {place} marathon|bronze in the long jump|a place in the final heat|the European indoor mark
in a photo finish|after failing a drugs test|in front of {n}0,000 spectators|despite a pulled hamstring|with a personal best on the last lap|at the trials in {place}

racing
world champion {person}|the pole sitter|the Italian team|test driver {person}|the rally leader|the Grand Prix winner|a teenage jockey
crashed out of|dominated|led from start to finish in|qualified second for|skipped|spun in|won
the {place} Grand Prix|the rain-hit qualifying session|the 24-hour race|the Gold Cup at {place}|the last stage of the rally|the oval race in {place}|the season finale
after a bold pit stop|with {n} laps remaining|to wrap up the drivers' title|despite engine trouble|ahead of his team mate|on worn tyres

gridiron
quarterback {person}|{team}|the defensive line|running back {person}|the special teams unit|head coach {person}|receiver {person}
carried|crushed|guided his side past|held off|ran over|threw three touchdowns against|watched film of
{team} on Sunday night|the unbeaten {team}|{team} in a bruising playoff|a weary secondary|the conference rival|{team} in the snow|{team} on fourth down
for {big} yards|with a field goal as time expired|after an ankle sprain in training camp|for the first road win of the season|despite {n} turnovers|and kept their bowl hopes alive

cricket
opener {person}|the tourists|spinner {person}|the touring side of {place}|captain {person}|the fast bowlers|the tail-enders
bowled out|chased down|dismissed|frustrated|piled misery on|punished|resisted
{place} for {big}|the hosts on a turning pitch|a target of {big} runs|{place} in the second Test|a weakened bowling attack|the middle order|{place} by {n} wickets
to level the series|before bad light stopped play|with an unbeaten century|after winning the toss|on the fourth day|at a crowded ground in {place}

transfers
{team}|the sacked manager|the players' union|striker {person}|the league's disciplinary panel|the free agent|coach {person}
apologised for|confirmed|denied|fought|regretted|shrugged off|welcomed
a {n}-match ban|a brawl in the tunnel|the trade with {team}|rumours of a move to {team}|a season-ending knee injury|a contract extension for {person}|the referee's late call
before the opening game|after training on Friday|as the transfer window closed|in the locker room|with the draft a week away|and hopes to play again by {month}
"""),
    "Business": _topics("""
earnings
{company}|the retailer|the drugmaker|the country's largest insurer|a maker of kitchen appliances|the brewer|the cosmetics group
beat forecasts for|cut|missed|posted a {pct} percent rise in|raised|reported weaker|trimmed
quarterly profit|its outlook for the year|third-quarter earnings|operating income|same-store sales|its dividend|net revenue
as restructuring charges fell|on strong demand in {place}|hurt by higher raw material costs|sending its shares down {pct} percent|and announced a buyback of {money}|ahead of analysts' estimates

merger
{company}|the private equity firm|the board of {company}|the hostile bidder|the family that controls {company}|the antitrust commission|a group of minority shareholders
agreed to|approved|blocked|raised|rejected|scrapped|sweetened
a {money} takeover of {company}|the merger with {company}|an all-share offer|the sale of its packaging unit|a bid for the {place} brewer|the spin-off of the chemicals arm|a leveraged buyout
after weeks of due diligence|creating the industry's second-largest group|at a premium of {pct} percent|citing a lack of financing|pending approval by shareholders|as its stock jumped

oil
crude futures|oil traders|the refiner|OPEC producers|energy companies|the pipeline operator|heating oil prices
climbed on|eased after|fell on|reacted to|shrugged off|slid on|surged on
a rise in inventories|a strike at export terminals in {place}|hopes of higher output|fears of a supply squeeze|a storm near offshore rigs|a drop in winter demand|cuts in production quotas
to settle at {dollars} a barrel|in New York trading|the highest close in {n} months|as speculators took profits|after the weekly stockpile data|with refineries running at full tilt

stocks
Wall Street|technology shares|blue chips|the Nikkei average|bond prices|bargain hunters|European markets
advanced after|gave up gains on|opened higher on|paused before|rebounded on|slipped on|tumbled on
upbeat brokerage notes|a weaker dollar|inflation data|the central bank's rate decision|a profit warning from {company}|a wave of deal news|worries over consumer spending
in light holiday volume|led by banks and insurers|with the broad index up {pct} percent|after a three-day slide|as the yield on the ten-year note rose|while the euro hit a record against the dollar

economy
consumer confidence|the trade deficit|factory orders|the central bank of {place}|economists|the labour department|retail sales
cut forecasts for|dampened|pointed to|raised doubts about|reflected|surprised forecasters of|underlined
growth in the fourth quarter|the jobless rate|another rise in interest rates|a slowdown in housing starts|wage inflation|an uneven recovery|the budget gap
according to figures released on {day}|as payrolls grew by {big},000|with borrowing costs at a {n}-year low|despite cheap credit|in a survey of purchasing managers|well below the consensus

airlines
{company} Airways|the bankrupt carrier|the pilots' union|a low-fare airline|the aircraft maker|the airport operator|creditors of the airline
accepted|asked a judge to void|froze|imposed|negotiated|ordered|threatened
deep wage cuts|{n} new jets|pension payments|a fuel surcharge|a rescue loan of {money}|the cancellation of unprofitable routes|a surcharge on tickets to {place}
to stay out of bankruptcy|as fuel bills soared|before a court deadline|to compete with discount rivals|after losing {money} in a year|under a turnaround plan

banking
federal regulators|{company} Bank|the state attorney general|a former chief financial officer|the accounting firm|the mutual fund company|the stock exchange
agreed to settle|disclosed|fined|investigated|paid {money} over|pleaded guilty to|was charged over
improper trading|kickbacks to insurance brokers|inflated earnings|the collapse of {company}|hidden fees|a pyramid of bad loans|insider dealing
without admitting wrongdoing|in a widening probe of the industry|after an internal audit|before a grand jury in {place}|and replaced its auditors|in the largest such penalty on record

retail
{company} Stores|department stores|the discount chain|the toy seller|the supermarket group|mall owners|the furniture maker
closed|expanded|marked down|opened|overhauled|shut|stocked up for
{n} outlets in {place}|the holiday shopping season|its home goods line|a chain of convenience shops|winter coats and electronics|the loyalty card scheme|warehouses in the Midwest
to win back thrifty customers|after sluggish back-to-school traffic|as gift cards pushed spending into {month}|under its new chief executive|at a cost of {money}|facing pressure from bigger rivals

autos
the carmaker|{company} Motor|the parts supplier|the auto workers' union|dealers|the truck unit of {company}|the assembly plant near {place}
agreed on|announced|delayed|halted|recalled|slashed|spent {money} on
{big},000 sport utility vehicles|cash rebates|a new four-year contract|production of pickup trucks|the launch of a compact sedan|{n},000 job cuts|overtime at two factories
to reduce a glut of unsold vehicles|as steel prices doubled|because of a faulty fuel line|to protect market share in {place}|under a savings plan|following a sales drop of {pct} percent
"""),
    "Sci/Tech": _topics("""
space
NASA engineers|the orbiting probe|astronomers|the European space agency|the Mars rover|the crew of the space station|a privately built rocket
photographed|prepared for|repaired|returned from|sent back images of|studied|tracked
the rings of Saturn|a dusty crater on Mars|a faint comet|the launch of a solar telescope|a supernova in a nearby galaxy|the capsule's heat shield|the far side of the moon
after a journey of {n} years|with an infrared camera|from an orbit of {big} kilometres|in search of frozen water|despite a failed gyroscope|as mission controllers cheered

security
hackers|antivirus firms|a worm called {virus}|security researchers|spammers|a teenage programmer|the browser's developers
discovered|exploited|fixed|infected computers through|released a patch for|spread through|warned of
a flaw in Windows|a hole in the web browser|an e-mail attachment|phishing sites that steal passwords|unprotected broadband connections|a buffer overflow in the mail server|spyware hidden in screensavers
within hours of its discovery|affecting {n} million machines|that lets intruders run code remotely|before the monthly security bulletin|using a network of zombie PCs|for users of older versions

internet
the search engine|{tech}|the online encyclopedia|bloggers|the web portal|developers of the open-source browser|the instant messaging service
added|combined|launched|released|rolled out|tested|unveiled
a desktop search tool|free web mail with a gigabyte of storage|a toolbar that finds files|a test version of its software|maps that users can drag|voice calls over the internet|tagging and news feeds
for download on {day}|to {n} million registered users|as rivals race to index the web|with a simpler interface|to keep surfers on its pages|in {n} languages

gadgets
{tech}|handset makers|the music player|wireless carriers|a Japanese electronics lab|the smart phone|camera phones
add|adopted|came with|got|introduced|went on sale with|will include
a megapixel camera|a color screen and Bluetooth|third-generation data speeds|a hard drive the size of a coin|a fuel cell battery|a radio tuner and {n} hours of playback|fingerprint sensors
for gadget fans|that weighs {big} grams|alongside a slimmer laptop|in stores by {month}|to replace the bulky model|on Wi-Fi networks

chips
{tech}|chip designers|the supercomputer|the processor maker|a server with {n} processors|Linux programmers|researchers at {tech}
built|demonstrated|doubled the speed of|overheated|ported software to|redesigned|shipped
a dual-core processor|a 64-bit chip|flash memory cells|the fastest parallel machine|transistors {big} atoms wide|a low-power graphics engine|the next version of the kernel
running at {n} gigahertz|using strained silicon|in a benchmark of floating-point speed|for notebooks and blade servers|at a developers' conference|with an optical interconnect

games
game developers|{tech}|console owners|the sequel to a hit shooter|online role-playing fans|the handheld console|the studio behind {game}
crashed on|delayed|explored|finished coding|previewed|upgraded|queued for
the multiplayer mode|a new physics engine|a massive fantasy world|the {game} beta|motion-sensing controllers|a touch screen version of {game}|graphics that look like film
on launch night|with realistic water and shadows|at the annual games expo|for players in {n} countries|before a holiday release|after months of bug fixing

medicine
geneticists|a team at the University of {place}|doctors testing a vaccine|molecular biologists|a study of {big} volunteers|neuroscientists|stem cell researchers
decoded|found|identified|linked|mapped|ruled out|switched off
a gene behind colour vision|proteins that let the virus enter cells|a mutation in chickens|the chromosomes of the honey bee|memory formation in mice|bacteria that resist antibiotics|a molecule that slows ageing
according to a paper in the journal Nature|using DNA from {n} species|in laboratory rats|and hope for trials in humans|after a decade of experiments|with a new kind of microscope

climate
climate scientists|marine biologists|a computer model|conservationists|the ocean survey|palaeontologists|glaciologists
counted|dated|discovered|measured|modelled|recorded|warned about
shrinking Arctic ice|a feathered fossil|a new species of frog in {place}|carbon dioxide in the upper ocean|coral bleaching on the reef|the skull of a small human ancestor|the migration of whales
over {n} million years|with satellite tags|that puzzles evolutionary theory|as the planet warms|buried under volcanic ash|in the deepest trench surveyed so far

physics
physicists|an experiment near {place}|chemists|nanotechnology labs|the particle collider|engineers at {place} Tech|mathematicians
confirmed|created|detected|proved|simulated|slowed|trapped
a beam of neutrinos|a cloud of ultracold atoms|carbon nanotubes|a prime number with {n} million digits|single photons in a crystal|a hydrogen fuel catalyst|ripples in the cosmic background
at a temperature near absolute zero|with lasers and mirrors|for a billionth of a second|in a test of quantum theory|opening a way to faster computers|to the surprise of theorists
"""),
}

UNSEEN: dict[str, tuple[Topic, ...]] = {
    "World": _topics("""
fisheries
trawler crews|the coastguard of {place}|island chiefs|the maritime court|a whaling fleet|harbour authorities
boarded|impounded|quarrelled over|rammed|shadowed|towed away
a factory ship off {place}|cod quotas in the strait|lobster pots along the reef|an unlicensed tanker|a drifting barge of migrants|the cable-laying vessel
in heavy swell|as gunboats looked on|with nets still in the water|under an old colonial charter|{n} miles from shore|for a second season

monarchy
the crown prince|palace officials|the dowager queen|the royal household|a runaway duchess|the sultan's heir
abdicated after|announced|mourned|postponed|renounced|were silent on
the coronation|a morganatic wedding|the heirloom jewels|a funeral procession through {place}|succession by daughters|the christening
with bells ringing across the realm|to the dismay of courtiers|in a gilded carriage|before {n} guests|breaking with custom|after a quiet illness
"""),
    "Sports": _topics("""
sailing
skipper {person}|the catamaran crew|solo yachtswoman {person}|the rowing eight|kayaker {person}|the surf contest favourite
capsized in|led|navigated|rounded|sheltered from|won
the round-the-island regatta|a gale off {place}|the second leg to {place}|the channel crossing|the slalom course on white water|towering breakers
with a torn spinnaker|by {n} boat lengths|on a freshening tide|after a protest on the start line|despite a cracked mast|in record time

chess
grandmaster {person}|snooker ace {person}|the darts champion|the wrestler from {place}|fencer {person}|the weightlifter
conceded|drew|gambled in|outwitted his rival in|pinned his rival in|took
the seventh round in {place}|a rook ending|the sabre bout|the best-of-{big} frames decider|a clean and jerk of {big} kilos|the world title match
with a sacrifice nobody foresaw|after a marathon session|by a bullseye|on the judges' cards|to a standing ovation|in {n} moves
"""),
    "Business": _topics("""
farming
coffee growers|grain merchants|{company} Foods|the dairy cooperative|vineyard owners|tea auctioneers
hedged|hoarded|ploughed under|rationed|sold off|stored
a bumper maize harvest|skimmed milk powder|{n},000 sacks of arabica|frozen orange juice contracts|cashmere and wool bales|seedlings under glass
as drought withered the plains|at farm-gate prices|for export to {place}|after frost in {month}|in silos along the river|while tariffs bit

property
landlords|{company} Estates|mortgage brokers|hotel developers|surveyors|a cement maker
auctioned|leased|mothballed|refinanced|repossessed|surveyed
a skyscraper in {place}|{big} seaside apartments|a derelict shipyard|holiday villas near {place}|an office park|the marble quarry
at a yield of {pct} percent|as vacancies climbed|after tenants left|with a balloon mortgage|on a ninety-year lease|through an offshore trust
"""),
    "Sci/Tech": _topics("""
archaeology
archaeologists|divers|a museum curator|restorers|epigraphers|an amateur with a metal detector
deciphered|excavated|lifted|reassembled|scanned|unearthed
a bronze age burial mound|clay tablets from {place}|a sunken galley|a mosaic floor|{n} gilded amulets|a pharaoh's sandal
beneath a car park|using ground-penetrating radar|from wet peat|after {big} centuries|in the dry season|by tree-ring counts

robots
roboticists|a walking machine|bridge builders|the tunnelling team|drone makers|a factory arm
assembled|balanced on|climbed|folded|mimicked|welded
a gecko's sticky foot|a suspended girder|origami solar sails|loose gravel|a violin in {n} minutes|composite turbine blades
with springs for tendons|without a human operator|at walking pace|by trial and error|under {big} bars of pressure|on a school playground
"""),
}

ROLES: dict[str, tuple[str, ...]] = {
    "World": ("a foreign ministry spokesman", "an army officer", "a western diplomat", "the UN envoy", "a resident"),
    "Sports": ("the coach", "the team captain", "the club's manager", "the winner", "the tournament director"),
    "Business": ("the chief executive", "an analyst", "a fund manager", "the company's treasurer", "a strategist"),
    "Sci/Tech": ("the lead researcher", "an engineer", "a co-author", "the project's director", "a programmer"),
}

QUOTES: dict[str, tuple[str, ...]] = {
    "World": _phrases(
        "the people want peace|the situation remains tense|no country can stand aside|lives are at stake"
        "|dialogue is the only way|those responsible will face justice"
    ),
    "Sports": _phrases(
        "we never stopped believing|the boys played their hearts out|it was my best game of the season"
        "|we gave the ball away too often|the fans carried us|the knee feels fine"
    ),
    "Business": _phrases(
        "margins should improve next year|customers are trading down|the price is fair to shareholders"
        "|costs must come down|we expect demand to hold|the market had priced it in"
    ),
    "Sci/Tech": _phrases(
        "the data surprised us|nobody had tried this before|users should update at once"
        "|the next version will be faster|we can now see further back in time|the method still needs testing"
    ),
}

NEUTRAL: tuple[str, ...] = (
    "officials",
    "the organisers",
    "critics",
    "the group",
    "the company",
    "the government",
    "the team",
    "a spokeswoman",
    "a court in {place}",
    "the union",
    "its leader",
    "supporters",
)
"""Subjects that any category may have."""

NEUTRAL_SENTENCES: tuple[str, ...] = (
    "Details were not released.",
    "It was the third time this year.",
    "A decision is expected by {month}.",
    "Others were less sure.",
    "The news surprised many in {place}.",
    "More than {n} others are said to be involved.",
    "{Person} declined to comment.",
    "The plan had been criticised for months.",
    "Talks will go on next week.",
    "Few had expected it.",
    "It follows a difficult year for {person}.",
    "The final word lies with {person}.",
)

PLACES: tuple[str, ...] = _phrases(
    "Algiers|Amsterdam|Ankara|Athens|Auckland|Baghdad|Bangkok|Barcelona|Beijing|Beirut|Belgrade|Berlin|Bogota|Boston"
    "|Brazil|Brussels|Budapest|Cairo|Canada|Caracas|Chicago|Chile|Colombo|Copenhagen|Damascus|Delhi|Denmark|Dublin"
    "|Egypt|Finland|Geneva|Ghana|Greece|Hanoi|Havana|Helsinki|Houston|India|Indonesia|Ireland|Istanbul|Italy|Jakarta"
    "|Japan|Johannesburg|Kabul|Kenya|Kiev|Lagos|Lima|Lisbon|London|Madrid|Malaysia|Manila|Melbourne|Mexico|Miami|Milan"
    "|Morocco|Moscow|Mumbai|Nairobi|Nepal|New York|Nigeria|Norway|Oslo|Ottawa|Pakistan|Paris|Peru|Poland|Prague|Rome"
    "|San Francisco|Santiago|Seattle|Seoul|Shanghai|Singapore|Spain|Stockholm|Sudan|Sweden|Sydney|Tehran|Tokyo|Toronto"
    "|Turkey|Ukraine|Vienna|Warsaw|Washington|Zurich"
)
FIRST_NAMES: tuple[str, ...] = _phrases(
    "Adam|Ahmed|Aiko|Alan|Ana|Andre|Anna|Ben|Carla|Carlos|Chen|Chris|Clara|Daniel|David|Dmitri|Elena|Emma|Erik|Fatima"
    "|Felix|Frank|George|Grace|Hans|Helen|Ibrahim|Irina|Ivan|Jack|James|Jan|Jorge|Juan|Julia|Karen|Karl|Kim|Laura|Lee"
    "|Leila|Linda|Luis|Marco|Maria|Mark|Martin|Mary|Michael|Mohammed|Nadia|Nick|Nina|Olga|Omar|Oscar|Paul|Pedro|Peter"
    "|Rosa|Ruth|Sam|Sara|Sergei|Simon|Stefan|Susan|Tanya|Tariq|Thomas|Tim|Tom|Victor|Wei|Yuki|Yusuf"
)
LAST_NAMES: tuple[str, ...] = _phrases(
    "Abbott|Adeyemi|Almeida|Andersen|Banerjee|Barlow|Becker|Bellini|Bergman|Blake|Brandt|Calder|Castillo|Chandra|Coleman"
    "|Costa|Crane|Dalton|Delgado|Diaz|Dubois|Eklund|Farrell|Fischer|Flores|Fontaine|Garrido|Gibson|Grant|Haddad|Hale"
    "|Hansen|Hayashi|Holm|Ibarra|Ito|Jansen|Jarvis|Kaplan|Karimi|Keller|Khan|Kowalski|Kruger|Lang|Larsen|Lindqvist|Lopez"
    "|Maher|Marsh|Mbeki|Mendes|Mercer|Moreau|Morita|Nakata|Navarro|Novak|Okafor|Olsen|Osman|Palmer|Petrov|Quinn|Ramos"
    "|Rao|Reyes|Ricci|Rossi|Sandoval|Sato|Schmidt|Shaw|Silva|Sorensen|Suzuki|Tanaka|Torres|Vargas|Volkov|Walsh|Weber"
    "|Whitaker|Wong|Yilmaz|Zamora"
)
STEMS: tuple[str, ...] = _phrases(
    "Alder|Ard|Bran|Cal|Cor|Dor|Fen|Gal|Hal|Hex|Jun|Kest|Lum|Mar|Mer|Nor|Omni|Pel|Quil|Sol|Tal|Tra|Vel|Vor|Wes|Zan"
)
STEM_ENDINGS: tuple[str, ...] = _phrases(
    "bridge|comm|dale|dex|ford|gate|gen|lund|mark|mont|nova|ria|sys|tek|ton|vane|wick"
)
COMPANY_ENDINGS: tuple[str, ...] = _phrases(" Corp| Group| Holdings| Industries| International| & Sons|")
TECH_ENDINGS: tuple[str, ...] = _phrases(" Systems| Labs| Software| Networks| Electronics|| Corp")
TEAM_ENDINGS: tuple[str, ...] = _phrases(
    " United| City| Rovers| Rangers| Hawks| Pirates| Bulls| Falcons| Wanderers| Kings| Giants| Comets| Athletic| Bears"
)
DAYS: tuple[str, ...] = _phrases("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
MONTHS: tuple[str, ...] = _phrases("January|March|April|June|July|August|October|November|December")
AGENCIES: tuple[str, ...] = _phrases("Northwire|Meridian Press|Capital News|Daybreak|Harbour Post")
