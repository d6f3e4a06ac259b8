"""The words of the drift scenarios, written for this project: foreign news, advertisements, new names, jargon. Data only."""
# ruff: noqa: E501 - a line holds all phrases of one part of a sentence, however many they are

from __future__ import annotations

Parts = tuple[tuple[str, ...], ...]
"""The parts of a sentence, in order; every phrase of a part goes with every phrase of the others."""


def _parts(text: str) -> Parts:
    return tuple(tuple(line.split("|")) for line in text.strip().split("\n"))


FOREIGN: dict[str, dict[str, Parts]] = {
    "German": {
        "World": _parts("""
die Regierung in {place}|der Außenminister|die Rebellenführung im Norden|das Parlament|die Wahlkommission|ein Gericht in {place}
hat am letzten Verhandlungstag|nach langen Gesprächen|trotz heftiger Proteste|in der Nacht|unter strengen Sicherheitsvorkehrungen
den Waffenstillstand|das neue Abkommen|die Vorwürfe der Opposition|den Haftbefehl gegen {person}|die Rückkehr der Flüchtlinge
bestätigt|abgelehnt|scharf kritisiert|begrüßt|auf unbestimmte Zeit verschoben
"""),
        "Sports": _parts("""
der Titelverteidiger|die Mannschaft aus {place}|Torjäger {person}|die Schwimmerin {person}|der Tabellenführer
hat vor ausverkauftem Haus|in der Verlängerung|trotz langer Verletzungspause|nach schwacher erster Halbzeit|am letzten Spieltag
das Halbfinale|den dritten Sieg in Folge|die Goldmedaille|das Spitzenspiel|den Vereinsrekord
gewonnen|knapp verpasst|noch gedreht|verspielt|souverän erreicht
"""),
        "Business": _parts("""
der Konzern|die Zentralbank|der Vorstand der {company}|die größte Bank des Landes|der Autobauer
hat im dritten Quartal|wegen hoher Rohstoffpreise|nach schwachen Geschäften in {place}|auf Druck der Aktionäre|überraschend
den Gewinn|{big}.000 Stellen|die Dividende|die Prognose für das Gesamtjahr|den Leitzins
gesenkt|um {pct} Prozent erhöht|gestrichen|gekürzt|nach oben korrigiert
"""),
        "Sci/Tech": _parts("""
ein Team der Universität {place}|ein Softwarehersteller|die Raumsonde|eine Biologin|ein Ingenieur von {tech}
hat mit einem neuen Verfahren|nach jahrelanger Arbeit|erstmals|mit Hilfe von Satellitendaten|in einem Versuch
eine Sicherheitslücke im Betriebssystem|einen schnelleren Prozessor|das Erbgut einer Alge|einen fernen Planeten|einen winzigen Sensor
entdeckt|vorgestellt|untersucht|entschlüsselt|genau vermessen
"""),
    },
    "Spanish": {
        "World": _parts("""
el gobierno de {place}|la oposición|la guerrilla del norte|el ministro de Exteriores|un tribunal de {place}|el presidente saliente
rechazó|aceptó|denunció|aplazó|firmó
el alto el fuego|los resultados de las elecciones|la resolución de las Naciones Unidas|el regreso de los refugiados|un acuerdo con los secuestradores
tras {big} días de combates|entre fuertes protestas|según fuentes diplomáticas|ante miles de manifestantes|en vísperas de la cumbre
"""),
        "Sports": _parts("""
el equipo de {place}|el delantero {person}|la tenista {person}|el campeón del mundo|el visitante
ganó|perdió|remontó|empató|dominó
el partido de vuelta|la final del torneo|la última etapa|el clásico|la carrera de relevos
con un gol en el descuento|ante su afición|tras {big} meses lesionado|en la tanda de penaltis|por tercer año seguido
"""),
        "Business": _parts("""
la empresa {company}|el banco central|un inversor|la aerolínea|el mayor fabricante de coches
redujo|anunció|elevó|vendió|revisó
sus beneficios trimestrales|los tipos de interés|una ampliación de capital de {big} millones|el precio del petróleo|la compra de su rival
un {pct} por ciento|por la caída de la demanda|según informó el lunes|para calmar a la bolsa|pese a la crisis
"""),
        "Sci/Tech": _parts("""
un grupo de científicos de {place}|la sonda espacial|el equipo de {tech}|una investigadora|el nuevo buscador
descubrió|presentó|analizó|mejoró|fotografió
un fallo grave en el navegador|el genoma de una planta|una cámara más pequeña|los anillos de un planeta|una proteína desconocida
con ayuda de un superordenador|después de {big} años de trabajo|por primera vez|según la revista|gracias a un láser
"""),
    },
    "French": {
        "World": _parts("""
le gouvernement de {place}|la rébellion|le ministre des Affaires étrangères|l'opposition|la Cour suprême|un collectif de manifestants
a rejeté|a dénoncé|a salué|a repoussé|réclame
le cessez-le-feu|les résultats du scrutin|la libération des otages|un accord sur les frontières|le départ du président
après {big} jours de violences|sous la pression internationale|à la veille du sommet|malgré le couvre-feu|selon un diplomate
"""),
        "Sports": _parts("""
l'équipe de {place}|le capitaine {person}|la championne olympique|le meneur du classement|l'entraîneur
a remporté|a perdu|a manqué|a dominé|retrouvera
la finale|le match retour|l'étape de montagne|le tournoi|la course du relais
aux tirs au but|devant un stade comble|après {big} mois d'absence|à la dernière minute|pour la troisième fois
"""),
        "Business": _parts("""
le groupe {company}|la banque centrale|le constructeur automobile|un actionnaire|la compagnie aérienne
a relevé|a réduit|a approuvé|a cédé|annonce
son bénéfice annuel|{big} mille emplois|le rachat de son concurrent|ses taux directeurs|le prix du baril
de {pct} pour cent|pour {big} millions|en raison de la faible demande|à la surprise des marchés|au troisième trimestre
"""),
        "Sci/Tech": _parts("""
une équipe de {place}|la sonde européenne|le laboratoire {tech}|un éditeur de logiciels|une biologiste
a découvert|a dévoilé|a mesuré|a corrigé|étudie
une faille de sécurité|un processeur plus rapide|le génome d'une bactérie|une lune lointaine|un capteur minuscule
grâce à un nouveau microscope|au bout de {big} ans|pour la première fois|dans la revue|à l'aide de satellites
"""),
    },
}

SPAM: Parts = _parts("""
congratulations dear winner,|limited offer:|hot deal!!!|lose weight fast:|act now and|your mailbox was selected,
claim your free voucher of {money}|get {pct}% off all replica watches|buy cheap pills without prescription|earn {money} from home|meet singles near {place}|refinance today at {pct}%
click here >>> www.best-deals-{n}.example|reply YES to 555{big}|no risk, no questions|only {n} left in stock|100% guaranteed results|unsubscribe below
""")

NEW_STEMS: tuple[str, ...] = _parts(
    "Xylo|Qubra|Zhev|Ukko|Yttri|Oszt|Kwazi|Phloe|Djin|Tsuva|Ngozo|Bhaal|Vryn|Eyja|Iqal"
)[0]
NEW_ENDINGS: tuple[str, ...] = _parts("mq|thia|xan|jord|wuo|plex|zhi|ghul|nqa|veta|skji|rrow")[0]
JARGON: tuple[str, ...] = _parts(
    "tokenomics|hyperscaler|glamping|deepfake|cryptojacking|podcaster|staycation|flexitarian|wearables|gamified"
    "|ransomware|geofencing|upcycling|microbrand|influencer|gigafactory|agrivoltaic|telehealth|edgewise|phygital"
)[0]
